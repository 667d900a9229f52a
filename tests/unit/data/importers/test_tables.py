import math
from pathlib import Path

import pytest

from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.tables import as_table, read_json


@pytest.fixture
def report():
    return ImportReport(Path("annotations.jsonl"))


def test_what_no_table_can_hold_is_left_out_and_told(report):
    given = {"a": 1, "b": {"c": 2}, "d": [[1], [2]], "e": [{"f": 1}], "": 2, " ": 3, "g": math.nan, "h": -math.inf}
    assert as_table({**given, "i": 10**400}, "about", "x", report) == {"a": 1}
    assert report.left_out == {
        "about: properties that are tables themselves": 1,
        "about: properties that are lists of lists or of tables": 2,
        "about: properties without a name": 2,
        "about.g: NaN and infinite numbers": 1,
        "about.h: NaN and infinite numbers": 1,
        "about.i: numbers of more than 308 digits": 1,
    }


def test_two_names_that_look_the_same_are_told(report):
    assert as_table({" a": 1, "a": 2}, "about", "x", report) == {" a": 1, "a": 2}
    assert list(report.noticed.values()) == [1]


@pytest.mark.parametrize(
    "text", ["[1, 2]", "5", '"a"', "{,}", '{"a": 1, "a": 2}', f'{{"a": {"9" * 5000}}}', b"\xff\xfe", "[" * 100_000]
)
def test_a_value_that_is_no_table_costs_the_table_of_its_item_and_is_told(report, text):
    assert as_table(text, "about", "x", report) is None
    assert list(report.left_out.values()) == [1]
    (example,) = report.examples.values()
    assert example.startswith("item x: ")
    assert "set_int_max" not in example


def test_null_is_no_table_and_no_loss(report):
    assert as_table("null", "about", "x", report) is None
    assert not report.left_out


def test_json_tells_what_it_loses(report):
    text = '{"a": "cut \\ud83d", "b": "\\ud83d\\ude00", "c": 0.1, "d": 0.12345678901234567891}'
    assert read_json(text, "table", "1.json", report) == {"a": "cut ", "b": "😀", "c": 0.1, "d": 0.12345678901234568}
    assert report.changed == {"table: half characters were dropped": 1, "table: numbers were rounded to 64 bits": 1}


def test_json_of_which_nothing_is_lost_tells_nothing(report):
    assert read_json(b'{"a": "\\ud83d\\ude00", "b": 2.50, "c": 1e3}', "table", "1.json", report)["b"] == 2.5
    assert not report.changed
