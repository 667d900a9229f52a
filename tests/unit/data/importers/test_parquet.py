import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.errors import DataError

TITLE = ColumnMapping({"text": ("title",)}, table=("v",))


def write(path, **columns):
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), path)
    return path


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.date(2024, 1, 5), "2024-01-05"),
        (dt.datetime(2024, 1, 5, 3), "2024-01-05T03:00:00"),
        (dt.timedelta(seconds=3), 3.0),
        (Decimal("19.99"), 19.99),
        (Decimal("12345678901234567890"), 12345678901234567890),
        (Decimal("0.12345678901234567891"), "0.12345678901234567891"),
        ([b"red", b"blue"], ["red", "blue"]),
        (b"red", "red"),
        ([1.5, None], [1.5]),
    ],
)
@pytest.mark.parametrize("form", ["jsonl", "arrow"])
def test_every_type_has_one_exact_form(imported, tmp_path, value, expected, form):
    from m5kit.data.manifest import read_manifest

    source = write(tmp_path / "a.parquet", id=["a"], title=["x"], v=[value])
    if form == "jsonl":
        assert imported("parquet", source, columns=TITLE)[1][0]["table"] == {"v": expected}
    else:
        from m5kit.data.importers.run import import_source

        import_source("parquet", source, tmp_path / "arrow", TITLE, format="arrow")
        assert read_manifest(tmp_path / "arrow")[0].sources["table"] == {"v": expected}


@pytest.mark.parametrize("value", [{"a": 1}, b"\xff\xfe", [{"a": 1}]])
def test_tables_and_binary_data_in_a_property_are_refused_with_the_column(imported, tmp_path, value):
    with pytest.raises(DataError, match="column v holds"):
        imported("parquet", write(tmp_path / "a.parquet", id=["a"], title=["x"], v=[value]), columns=TITLE)


def test_bytes_are_texts_where_a_name_belongs(imported, tmp_path):
    source = write(tmp_path / "a.parquet", id=[b"001"], title=[b"caf\xc3\xa9"], cat=[b"mug"], split=[b"train"])
    _, items = imported("parquet", source, columns=ColumnMapping({"text": ("title",)}, labels={"c": "cat"}))
    assert items[0]["id"] == "001"
    assert (items[0]["split"], items[0]["text"], items[0]["labels"]) == ("train", "café", {"c": "mug"})


def test_lists_of_captions_are_joined_and_counted(imported, tmp_path):
    source = write(tmp_path / "a.parquet", id=["a", "b"], title=[["a red mug", "mug on a table"], ["one"]])
    report, items = imported("parquet", source)
    assert [item["text"] for item in items] == ["a red mug mug on a table", "one"]
    assert report.changed == {"title: lists of texts were joined by spaces": 1}


def test_zero_is_an_id_and_whole_floats_have_one_spelling(imported, tmp_path):
    source = write(tmp_path / "a.parquet", id=[0, 1], title=["x", "y"], k=[3.0, None])
    _, items = imported("parquet", source, columns=ColumnMapping({"text": ("title",)}, labels={"k": "k"}))
    assert [item["id"] for item in items] == ["0", "1"]
    assert [item["labels"] for item in items] == [{"k": "3"}, None]


def test_files_with_other_columns_are_refused_by_name_and_partitions_are_columns(imported, tmp_path):
    (tmp_path / "in" / "split=test").mkdir(parents=True)
    write(tmp_path / "in" / "split=test" / "0.parquet", id=["a"], title=["x"])
    (tmp_path / "in" / "_tmp.parquet").write_bytes(b"half")
    report, items = imported("parquet", tmp_path / "in")
    assert items[0]["split"] == "test"
    assert report.left_out.total() == 1
    write(tmp_path / "in" / "split=test" / "1.parquet", id=["b"], caption=["y"])
    with pytest.raises(DataError, match=r"1\.parquet has no column title; it has caption, id"):
        imported("parquet", tmp_path / "in", out="b")
