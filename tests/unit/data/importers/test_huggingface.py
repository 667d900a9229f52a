import json

import pyarrow as pa
import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.errors import DataError

datasets = pytest.importorskip("datasets")
LABELLED = ColumnMapping({"text": ("title",)}, labels={"kind": "kind"})


def saved(folder, rows, **options):
    datasets.Dataset.from_dict(rows, **options).save_to_disk(folder)
    return folder


def features(**more):
    return datasets.Features({"id": datasets.Value("string"), "title": datasets.Value("string"), **more})


def test_a_class_that_nobody_knows_is_left_out_and_told(imported, tmp_path):
    kinds = features(kind=datasets.ClassLabel(names=["cup", "bowl"]))
    source = saved(tmp_path / "in", {"id": ["a", "b"], "title": ["x", "y"], "kind": [1, -1]}, features=kinds)
    report, items = imported("huggingface", source, columns=LABELLED)
    assert [item["labels"] for item in items] == [{"kind": "bowl"}, None]
    assert report.left_out == {"kind: classes of number -1, which stands for none": 1}


def test_a_class_without_a_name_is_refused(imported, tmp_path):
    kinds = features(kind=datasets.ClassLabel(names=["cup", "bowl"]))
    source = saved(tmp_path / "in", {"id": ["a"], "title": ["x"], "kind": [0]}, features=kinds)
    about = json.loads((source / "dataset_info.json").read_text())
    about["features"]["kind"]["names"] = []
    (source / "dataset_info.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match="column kind holds the class 0, and only 0 have names"):
        imported("huggingface", source, columns=LABELLED)


def test_classes_inside_of_tables_have_their_names(imported, tmp_path):
    tables = features(about={"kind": datasets.ClassLabel(names=["cup", "bowl"]), "size": datasets.Value("int64")})
    rows = {"id": ["a"], "title": ["x"], "about": [{"kind": 1, "size": 3}]}
    columns = ColumnMapping({"table": ("about",)})
    _, items = imported("huggingface", saved(tmp_path / "in", rows, features=tables), columns=columns)
    assert items[0]["table"] == {"kind": "bowl", "size": 3}


def test_an_empty_split_is_told_and_the_others_are_imported(imported, tmp_path):
    parts = {"train": {"id": ["a"], "title": ["x"]}, "none": {"id": [], "title": []}}
    splits = {name: datasets.Dataset.from_dict(rows) for name, rows in parts.items()}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "in")
    report, items = imported("huggingface", tmp_path / "in")
    assert [(item["id"], item["split"]) for item in items] == [("a", "train")]
    assert report.examples == {"splits without any row": "none"}


def test_a_split_that_lacks_a_column_is_named(imported, tmp_path):
    parts = {"train": {"id": ["a"], "title": ["x"], "kind": ["cup"]}, "test": {"id": ["b"], "title": ["y"]}}
    splits = {name: datasets.Dataset.from_dict(rows) for name, rows in parts.items()}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "in")
    with pytest.raises(DataError, match=r"in/test has no column kind; it has id, split, title"):
        imported("huggingface", tmp_path / "in", columns=LABELLED)


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "link.arrow", 5])
def test_only_files_of_the_folder_are_read(imported, tmp_path, name):
    source = saved(tmp_path / "in", {"id": ["a"], "title": ["x"]})
    (source / "link.arrow").symlink_to("/etc/passwd")
    state = json.loads((source / "state.json").read_text())
    (source / "state.json").write_text(json.dumps({**state, "_data_files": [{"filename": name}]}))
    with pytest.raises(DataError, match=r"is no file of its folder|leaves the data's root"):
        imported("huggingface", source)


def test_splits_lie_in_the_folder(imported, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "dataset_dict.json").write_text('{"splits": ["../other"]}')
    with pytest.raises(DataError, match="is no name of a folder beside it"):
        imported("huggingface", tmp_path / "in")


def test_a_damaged_length_ends_in_an_error_and_not_in_a_signal(imported, tmp_path):
    source = saved(tmp_path / "in", {"id": list("abcdefgh"), "title": ["some title"] * 8})
    file = next(source.glob("*.arrow"))
    content = bytearray(file.read_bytes())
    begin = content.index((10).to_bytes(4, "little") + (20).to_bytes(4, "little"))  # where the titles end
    content[begin : begin + 4] = (2**30).to_bytes(4, "little")
    file.write_bytes(content)
    with pytest.raises(DataError, match="column title holds a value that cannot be read"):
        imported("huggingface", source)


@pytest.mark.parametrize("left", [8, 200])
def test_a_file_that_was_cut_is_refused(imported, tmp_path, left):
    source = saved(tmp_path / "in", {"id": list("abcdefgh"), "title": ["some title"] * 8})
    file = next(source.glob("*.arrow"))
    file.write_bytes(file.read_bytes()[:-left])
    with pytest.raises(DataError, match=r"is cut short|or is damaged"):
        imported("huggingface", source)


def test_a_time_that_python_cannot_hold_is_named_with_its_column(imported, tmp_path):
    table = pa.table({"id": ["a"], "title": ["x"], "made": pa.array([2**62], pa.timestamp("us"))})
    datasets.Dataset(table).save_to_disk(tmp_path / "in")
    columns = ColumnMapping({"text": ("title",)}, table=("made",))
    with pytest.raises(DataError, match="column made holds a value that cannot be read"):
        imported("huggingface", tmp_path / "in", columns=columns)


def test_what_was_not_saved_by_the_library_is_said(imported, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match=r"was not saved with save_to_disk: .* are imported with data import parquet"):
        imported("huggingface", tmp_path / "in")
