import numpy as np
import pytest

from m5kit.errors import DataError
from m5kit.evaluation.base import Embedded
from m5kit.exporters.parquet import ParquetExporter

ITEMS = Embedded(["a", "鞋"], np.array([[1, 2], [3, 4]]), {"coarse": ["shoe", ""]})


def test_m5kit_reads_what_it_wrote(tmp_path):
    path = tmp_path / "items.parquet"
    assert ParquetExporter().write(ITEMS, path) == [path]
    back = Embedded.load(path)
    assert back.ids.tolist() == ["a", "鞋"]
    assert back.vectors.tolist() == [[1, 2], [3, 4]]
    assert back.labels["coarse"].tolist() == ["shoe", ""]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"writes files that end in \.parquet, not 'items\.csv'; rename it"):
        ParquetExporter().check(tmp_path / "items.csv")
