import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from m5kit.data.manifest_rows import open_rows
from m5kit.data.summary import summarize

FIVE = ("audio", "image", "table", "text", "video")
GOOD = {"id": "a", "split": "train", "text": "t", "table": '{"k": [1, "x"]}', "labels": '{"fine": null}'}
BAD = (
    GOOD,
    {**GOOD, "id": "b", "text": " "},
    {**GOOD, "id": "a"},
    {**GOOD, "id": None},
    {**GOOD, "id": "c", "table": '{"k": {}}', "split": None},
    {**GOOD, "id": "d", "table": "{}", "labels": '{"fine": 3}'},
    {**GOOD, "id": "e", "split": "test"},
    {**GOOD, "id": "a"},
    {**GOOD, "id": "x" * 1001},
    {**GOOD, "id": "a\0"},
)


def parquet(folder, rows, **options):
    pq.write_table(pa.Table.from_pylist(rows, **options), folder / "annotations.parquet", row_group_size=3)
    return open_rows(folder)


def test_columns_and_lines_are_found_wrong_in_the_same_words(tmp_path):
    lines = [{k: json.loads(v) if k in ("table", "labels") else v for k, v in row.items()} for row in BAD]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    expected = summarize(open_rows(tmp_path / "a.jsonl"), FIVE)
    found = summarize(parquet(tmp_path, BAD), FIVE)
    assert [str(p).replace("row", "line") for p in found.problems] == [str(p) for p in expected.problems]
    assert [(p.place, p.field) for p in found.problems] == [
        ("row 2", "text"),
        ("row 3", "id"),
        ("row 4", "id"),
        ("row 5", "table"),
        ("row 6", "labels.fine"),
        ("row 6", "table"),
        ("row 8", "id"),
        ("row 9", "id"),
        ("row 10", "id"),
    ]
    assert found.splits == expected.splits == ("train", "", "test")
    assert found.codes.tolist() == expected.codes.tolist() == [0, 0, 0, 0, 1, 0, 2, 0, 0, 0]


def test_sound_columns_are_never_read_row_by_row(tmp_path, monkeypatch):
    rows = [{"id": str(n), "split": "train", "table": {"k": n, "l": None}, "labels": {"fine": "x"}} for n in range(9)]
    opened = parquet(tmp_path, rows)
    monkeypatch.setattr(type(opened), "__getitem__", lambda self, index: pytest.fail("read a row"))
    assert summarize(opened, FIVE).problems == ()


def test_values_of_a_wrong_type_are_looked_at(tmp_path):
    rows = parquet(tmp_path, [{"id": 1, "split": 2, "text": 3, "labels": {"fine": 4}}])
    assert [p.field for p in summarize(rows, FIVE).problems] == ["id", "split", "labels.fine", "text"]


def test_a_file_without_ids_or_splits(tmp_path):
    found = summarize(parquet(tmp_path, [{"text": "t"}, {"text": "u"}]), FIVE)
    assert [p.field for p in found.problems] == ["id", "id"]
    assert found.splits == ("",)
    np.testing.assert_array_equal(found.codes, [0, 0])


def test_dictionary_columns_are_read_as_what_they_stand_for(tmp_path):
    splits = pa.array(["train", "test", "train"]).dictionary_encode()
    pq.write_table(pa.table({"id": ["a", "b", "c"], "split": splits, "text": ["x"] * 3}), tmp_path / "a.parquet")
    found = summarize(open_rows(tmp_path / "a.parquet"), FIVE)
    assert found.problems == ()
    assert [found.splits[code] for code in found.codes] == ["train", "test", "train"]
