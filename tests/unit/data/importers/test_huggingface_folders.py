"""Folders that the library would not write, made by hand: it need not be installed here."""

import json
import os

import pyarrow as pa
import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.errors import DataError

TABLE = ColumnMapping({"text": ("title",)}, table=("x",))


def rows(**columns):
    count = len(next(iter(columns.values()))) if columns else 1
    return pa.table({"title": [f"t{number}" for number in range(count)], **columns})


def splits(folder, *names):
    folder.mkdir(exist_ok=True)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": names}))


def test_a_split_behind_a_link_out_is_refused_unless_links_are_followed(imported, saved_rows, tmp_path):
    splits(tmp_path / "in", "train")
    (tmp_path / "in" / "train").symlink_to(saved_rows("elsewhere", rows()))
    with pytest.raises(DataError, match="leaves the data's root"):
        imported("huggingface", tmp_path / "in")
    _, items = imported("huggingface", tmp_path / "in", follow_links=True)
    assert [item["text"] for item in items] == ["t0"]


@pytest.mark.parametrize("name", ["state.json", "dataset_info.json", "0.arrow"])
def test_no_file_behind_a_link_out_is_read(imported, saved_rows, tmp_path, name):
    source = saved_rows("in", rows())
    (source / name).rename(tmp_path / "moved")
    (source / name).symlink_to(tmp_path / "moved")
    with pytest.raises(DataError, match="leaves the data's root"):
        imported("huggingface", source)


@pytest.mark.parametrize("name", ["state.json", "dataset_info.json", "0.arrow"])
def test_a_pipe_is_not_waited_for(imported, saved_rows, name):
    source = saved_rows("in", rows())
    (source / name).unlink()
    os.mkfifo(source / name)
    with pytest.raises(DataError, match="not a regular file"):
        imported("huggingface", source)


def test_rows_that_nothing_names_are_told(imported, saved_rows, tmp_path):
    saved_rows("in/train", rows())
    saved_rows("in/test", rows())
    splits(tmp_path / "in", "train")
    (tmp_path / "in" / "train" / "1.arrow").write_bytes(b"")
    report, items = imported("huggingface", tmp_path / "in")
    assert len(items) == 1
    assert report.left_out == {
        "folders of rows that dataset_dict.json does not name": 1,
        ".arrow files that state.json does not name": 1,
    }
    assert list(report.examples.values()) == ["test", "train/1.arrow"]


def test_no_rows_come_twice(imported, saved_rows, tmp_path):
    source = saved_rows("in", rows(), _data_files=[{"filename": "0.arrow"}] * 2)
    with pytest.raises(DataError, match=r"names 0\.arrow twice"):
        imported("huggingface", source)
    saved_rows("other/train", rows())
    splits(tmp_path / "other", "train", "train")
    with pytest.raises(DataError, match="names train twice"):
        imported("huggingface", tmp_path / "other")


def test_a_split_that_is_missing_is_named(imported, saved_rows, tmp_path):
    saved_rows("in/train", rows())
    splits(tmp_path / "in", "train", "test")
    with pytest.raises(DataError, match="names the split test, and there is no such folder"):
        imported("huggingface", tmp_path / "in")


def test_the_split_of_rows_that_were_saved_alone_is_told(imported, saved_rows):
    report, _ = imported("huggingface", saved_rows("in", rows(), _split="test"))
    assert "state.json calls these rows the split test; --split-by test=1 names them so" in report.notes


def test_two_columns_of_one_name_are_refused(imported, saved_rows):
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["title", "title"])
    with pytest.raises(DataError, match="has several columns called 'title'"):
        imported("huggingface", saved_rows("in", table))


def test_a_column_that_nothing_is_made_of_ends_nothing(imported, saved_rows):
    table = rows(x=[1], when=pa.array([2**62], pa.timestamp("us")), kind=["a"])
    source = saved_rows("in", table, {"kind": {"_type": "ClassLabel", "names": {"a": 0}}})
    report, items = imported("huggingface", source, columns=TABLE)
    assert [item["table"] for item in items] == [{"x": 1}]
    assert "columns that nothing was made of: kind, when" in report.notes


def test_ids_that_come_again_in_another_split_are_told_with_the_split(imported, saved_rows, tmp_path):
    for name in ("train", "test"):
        saved_rows(f"in/{name}", rows(id=["1", "2"]))
    splits(tmp_path / "in", "train", "test")
    with pytest.raises(DataError, match=r"row 3 of .*in/test: the id '1' came before.*numbers its items anew"):
        imported("huggingface", tmp_path / "in")
