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
        (dt.timedelta(days=90_000_000, microseconds=1), "7776000000000.000001"),
        (dt.time(23, 59, 1), "23:59:01"),
        (pa.scalar(86_399 * 10**9 + 5, pa.time64("ns")), "23:59:59.000000005"),
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


def test_several_pictures_in_a_list_are_unpacked(imported, tmp_path):
    lists = [[b"\xff\xd8\xffone", b"\xff\xd8\xfftwo"], [{"bytes": b"\x89PNG\r\n", "path": None}], []]
    table = {"id": ["a", "b", "c"], "title": ["x", "y", "z"]}
    for number, values in enumerate((lists[:1], lists[1:])):
        rows = {name: column[number : number + len(values)] for name, column in table.items()}
        write(tmp_path / f"{number}.parquet", **rows, photos=values)
    columns = ColumnMapping({"image": ("photos",), "text": ("title",)}, several=("image",))
    _, items = imported("parquet", tmp_path, columns=columns)
    assert [(tmp_path / "out" / path).read_bytes() for path in items[0]["image"]] == lists[0]
    assert (tmp_path / "out" / items[1]["image"]).suffix == ".png"
    assert items[2]["image"] is None


def test_empty_pictures_are_told(imported, tmp_path):
    source = write(tmp_path / "a.parquet", id=["a"], title=["x"], photo=[b""])
    report, _ = imported("parquet", source, columns=ColumnMapping({"image": ("photo",), "text": ("title",)}))
    assert report.left_out == {"photo: files of 0 bytes": 1}
    assert report.warnings == ["no item has the modality image"]


def test_names_of_folders_are_read_as_they_were_written(imported, tmp_path):
    for name in ("kind=a%20b", "kind=__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / "in" / name).mkdir(parents=True)
        write(tmp_path / "in" / name / "0.PARQUET", id=[name], title=["x"])
    (tmp_path / "in" / "_SUCCESS.crc").write_text("")
    (tmp_path / "in" / "notes.csv").write_text("")
    columns = ColumnMapping({"text": ("title",)}, labels={"kind": "kind"})
    report, items = imported("parquet", tmp_path / "in", columns=columns)
    assert [item["labels"] for item in items] == [None, {"kind": "a b"}]
    assert report.examples["files whose name does not end with .parquet or .parq or .pq"] == "notes.csv"


def test_a_column_that_the_importer_itself_uses_elsewhere_keeps_its_values(imported, tmp_path):
    source = write(tmp_path / "a.parquet", id=["a"], title=["x"], __url__=["https://x/1"])
    _, items = imported("parquet", source, columns=ColumnMapping({"text": ("title",)}, table=("__url__",)))
    assert items[0]["table"] == {"__url__": "https://x/1"}


def test_a_file_without_ids_beside_others_with_them_is_shouted(imported, tmp_path):
    write(tmp_path / "0.parquet", id=["a"], title=["x"])
    write(tmp_path / "1.parquet", title=["y"])
    report, _ = imported("parquet", tmp_path)
    assert [warning for warning in report.warnings if warning.endswith("1.parquet has no id in any of its rows")]


def test_a_value_that_python_cannot_hold_is_named_with_its_column(imported, tmp_path):
    table = pa.table({"id": ["a"], "title": ["x"], "v": pa.array([2**62], pa.timestamp("us"))})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column v holds a value that cannot be read"):
        imported("parquet", tmp_path / "a.parquet", columns=TITLE)


def test_a_map_that_has_a_key_twice_is_named_with_its_column(imported, tmp_path):
    values = pa.array([[("k", 1), ("k", 2)]], pa.map_(pa.string(), pa.int64()))
    pq.write_table(pa.table({"id": ["a"], "title": ["x"], "v": values}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column v holds a map in which the key 'k' is given twice"):
        imported("parquet", tmp_path / "a.parquet", columns=TITLE)


def test_a_page_whose_checksum_does_not_fit_is_damage(imported, tmp_path):
    table = pa.table({"id": ["a", "b"], "title": ["cup", "mug"], "v": [1, 2]})
    pq.write_table(table, tmp_path / "a.parquet", compression="none", write_page_checksum=True)
    content = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(content.replace(b"cup", b"cap"))
    with pytest.raises(DataError, match="CRC checksum verification failed"):
        imported("parquet", tmp_path / "a.parquet", columns=TITLE)


def test_files_whose_columns_have_other_types_are_told(imported, tmp_path):
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "1.parquet", title=["a"], v=[1])
    write(tmp_path / "in" / "2.parquet", title=["b"], v=["one"])
    write(tmp_path / "in" / "3.parquet", title=["c"], v=[None])
    report, items = imported("parquet", tmp_path / "in", columns=TITLE)
    assert [item["table"] for item in items] == [{"v": 1}, {"v": "one"}, None]
    told = "columns of another type than in an earlier file"
    assert report.examples[told] == "v: string in 2.parquet, int64 in 1.parquet"
