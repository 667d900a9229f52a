"""The quick pass over a file says the same as its rows one by one, or leaves them to be asked one by one."""

import json
import pickle

import pytest

from m5kit.data import json_lines
from m5kit.data.json_lines import JsonLines

PLAIN = [json.dumps({"id": str(n), "text": "ж\u2028" * n, "table": {"k": [n]}}, ensure_ascii=False) for n in range(7)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", " \n"])
def test_plain_lines_are_read_in_one_pass(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(json_lines, "TOGETHER", 3)
    path = tmp_path / "a.jsonl"
    path.write_bytes(ending.join(PLAIN).encode())
    rows = JsonLines(path)
    assert list(rows.quick_pass()) == [rows[n] for n in range(7)] == list(map(json.loads, PLAIN))


def test_empty_lines_count_where_a_person_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "BLOCK", 5)  # lines end, and begin, at ends of blocks too
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"a": 1}\n \t\n\n   {"a": 2}\n{"a": 3}')
    rows = pickle.loads(pickle.dumps(JsonLines(path)))
    assert [rows[n]["a"] for n in range(len(rows))] == [1, 2, 3]
    assert [rows.place(n) for n in range(3)] == ["line 2", "line 5", "line 6"]


@pytest.mark.parametrize(
    "lines",
    [
        ['{"id": "a"', '"b": 1}'],  # one object in two lines
        ['{"id": "a"} {"id": "b"}', "{}"],
        ['{"id": "a"},', "{}"],
        ['{"id": "\\ud83d"}', "{}"],  # half of a character
        ["{}", '{"id": "\udcff"}'],
        ["{}", "[" * 100_000],
        ["{}", "nonsense"],
        ['{"id": "a", "text": "x", "text": "y"}', "{}"],  # of which the second would win
        ['{"id": "a", "labels": {"kind": "x", "kind": "y"}}', "{}"],
    ],
)
def test_what_is_no_plain_line_is_left_to_be_asked_for(tmp_path, lines):
    path = tmp_path / "a.jsonl"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    assert list(JsonLines(path).quick_pass()) == [None, None]
