import gzip
import json
import pickle
import re

import pytest

from m5kit.data.json_lines import JsonLines
from m5kit.data.manifest_rows import check_row, looks_right, open_rows, record_problems
from m5kit.errors import DataError

FIVE = ("audio", "image", "table", "text", "video")


def test_lines_are_parsed_on_access_and_places_count_empty_ones(tmp_path):
    path = tmp_path / "annotations.jsonl"
    path.write_text('{"id": "a"}\n\n{"id": "杯"}', encoding="utf-8")
    rows = JsonLines(path)
    assert [rows[0], rows[1]] == [{"id": "a"}, {"id": "杯"}]
    assert [rows.place(0), rows.place(1)] == ["line 1", "line 3"]


def test_a_pickle_holds_offsets_and_not_the_text(tmp_path):
    path = tmp_path / "annotations.jsonl"
    path.write_text("".join(json.dumps({"id": str(i), "text": "x" * 1000}) + "\n" for i in range(100)))
    rows = JsonLines(path)
    assert rows[99]["id"] == "99"
    copy = pickle.dumps(rows)
    assert len(copy) < 3000
    assert pickle.loads(copy)[42]["id"] == "42"


def test_a_manifest_behind_a_link_out_of_its_folder_needs_permission(tmp_path):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"id": "a"}')
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "annotations.jsonl").symlink_to(secret)
    with pytest.raises(DataError, match=r"annotations.jsonl is, or lies behind, a link that leaves .*--follow-links"):
        open_rows(folder)
    assert len(open_rows(folder, follow_links=True)) == 1
    assert len(open_rows(folder / "annotations.jsonl")) == 1  # the user named this very file
    secret.rename(folder / "other.jsonl")
    (folder / "annotations.jsonl").unlink()
    (folder / "annotations.jsonl").symlink_to(folder / "other.jsonl")
    assert len(open_rows(folder)) == 1


def test_the_manifest_is_found_by_its_usual_names(tmp_path):
    with pytest.raises(
        DataError, match=r"no annotations.jsonl or annotations.parquet or annotations.arrow in .*own-data.md"
    ):
        open_rows(tmp_path)
    (tmp_path / "annotations.jsonl").write_text("\n")
    with pytest.raises(DataError, match="holds no items"):
        open_rows(tmp_path)
    (tmp_path / "annotations.parquet").write_text("")
    with pytest.raises(DataError, match=r"holds both annotations.jsonl and annotations.parquet; name the one"):
        open_rows(tmp_path)
    with pytest.raises(DataError, match="no readable Parquet file"):
        open_rows(tmp_path / "annotations.parquet")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"id": "a", "text": "t"}, []),
        ([1], [("row", "expected a JSON object, got [1] (list)")]),
        ({"text": "t"}, [("id", "is missing; give every item a name of its own")]),
        ({"id": "x" * 1001, "text": "t"}, [("id", "has 1,001 characters; at most 1,000 can be kept")]),
        ({"id": "a\0", "text": "t"}, [("id", "holds the character 0, got 'a\\x00' (str); leave it out")]),
        ({"id": 7, "text": "t"}, [("id", "expected a text, got 7 (int)")]),
        ({"id": "a", "split": 1, "text": "t"}, [("split", "expected a text, got 1 (int)")]),
        ({"id": "a", "text": " "}, [("text", "is empty; write null if the item has none")]),
        ({"id": "a", "table": {}}, [("table", "is empty; write null if the item has none")]),
        ({"id": "a", "table": "k: v"}, [("table", "expected properties and values, got 'k: v' (str)")]),
        (
            {"id": "a", "table": {"k": {"l": 1}}},
            [
                (
                    "table",
                    "property 'k': expected a text, a number, true or false, or a list, got {'l': 1} (dict)",
                )
            ],
        ),
        ({"id": "a", "text": "t", "labels": "x"}, [("labels", "expected names and values, got 'x' (str)")]),
        ({"id": "a", "text": "t", "labels": {"fine": 3}}, [("labels.fine", "expected a text, got 3 (int)")]),
        ({"id": "a", "text": "t", "labels": {"fine": None}}, []),
    ],
)
def test_every_mistake_has_its_words(record, expected):
    assert list(record_problems(record, FIVE)) == expected


def test_a_sixth_modality_may_hold_anything():
    assert list(record_problems({"id": "a", "scan": [1, 2]}, (*FIVE, "scan"))) == []


def test_what_looks_right_has_no_problem():
    values = [None, "", " ", "x", 3, [], {}, {"k": None}, {"k": "x"}, {"k": {}}, {"k": [1]}, ["x"]]
    for field in ("id", "split", "labels", "text", "table", "image", "scan"):
        for value in values:
            record = {"id": "a", field: value}
            if looks_right(record, (*FIVE, "scan")):
                assert list(record_problems(record, (*FIVE, "scan"))) == [], record
    assert looks_right({"id": "a", "labels": {"k": "x"}, "table": {"k": 1}, "text": "t", "split": ""}, FIVE)
    assert not looks_right(None, FIVE)
    assert not looks_right({"id": "x" * 1001, "text": "t"}, FIVE)
    assert not looks_right({"id": "a\0", "text": "t"}, FIVE)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (gzip.compress(b'{"id": "a"}', mtime=0), "is compressed"),
        ('{"id": "a"}'.encode("utf-16"), "is written in UTF-16"),
        (b"PAR1", "is a Parquet or an Arrow file"),
    ],
)
def test_what_is_no_file_of_lines_is_told_once_and_not_for_every_line(tmp_path, content, why):
    (tmp_path / "annotations.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=f"{why}.*it must be JSON lines in UTF-8"):
        open_rows(tmp_path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"id": "a",}', "column 12"),
        (b"// a comment", "column 1"),
        (b'{"id": "caf\xe9"}', r"UTF-8 \(byte 0xe9 in place 12\)"),
        (b'{"id": "a", "table": {"n": ' + b"9" * 5000 + b"}}", "more than 4,300 digits"),
    ],
)
def test_a_line_that_is_no_json_is_told_in_our_words(tmp_path, line, why):
    (tmp_path / "annotations.jsonl").write_bytes(b'{"id": "b", "text": "t"}\n' + line + b"\n")
    [(field, message)] = check_row(open_rows(tmp_path), 1, FIVE)[1]
    assert field == "row"
    assert re.search(why, message)
    assert not re.search("line 1|char |codec|set_int_max", message)
