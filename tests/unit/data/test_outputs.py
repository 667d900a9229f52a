import os

import pytest

from m5kit.data.outputs import require_own_file
from m5kit.errors import DataError


def test_a_new_file_and_a_file_of_before_may_be_written(tmp_path):
    (tmp_path / "a.npz").write_text("before")
    (tmp_path / "annotations.parquet").write_text("")
    for name in ("a.npz", "b.npz"):
        require_own_file(tmp_path / name, tmp_path)
    require_own_file(tmp_path / "a.npz", "s3://bucket/shop")


@pytest.mark.parametrize("items", ["", "annotations.parquet", "link"])
def test_the_manifest_is_not_replaced_by_what_is_made_of_it(tmp_path, items):
    (tmp_path / "annotations.parquet").write_text("")
    (tmp_path / "link").symlink_to("annotations.parquet")
    with pytest.raises(DataError, match="is the manifest of the items and would be lost; name another file"):
        require_own_file(tmp_path / "annotations.parquet", tmp_path / items)


def test_what_is_no_file_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path, "is a folder"), (tmp_path / "pipe", "is a pipe or a device")):
        with pytest.raises(DataError, match=f"{said}.*; name a file"):
            require_own_file(path)
