import json

import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.run import import_source


@pytest.fixture
def imported(tmp_path):
    """Imports a source into a folder of its own: the report, and the items of the manifest."""

    def run(kind, source, *, out="out", columns=None, **options):
        mapping = columns or ColumnMapping({"text": ("title",)})
        report = import_source(kind, source, tmp_path / out, mapping, **options)
        lines = (tmp_path / out / "annotations.jsonl").read_text(encoding="utf-8").split("\n")
        return report, [json.loads(line) for line in lines if line]

    return run
