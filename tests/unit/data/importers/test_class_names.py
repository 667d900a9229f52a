from pathlib import Path

import pytest

from m5kit.data.importers.class_names import class_names
from m5kit.data.importers.report import ImportReport
from m5kit.errors import DataError

KINDS = {"_type": "ClassLabel", "names": ["cup", "bowl"]}


@pytest.fixture
def report():
    return ImportReport(Path("annotations.jsonl"))


@pytest.mark.parametrize(
    ("feature", "value", "expected"),
    [
        (KINDS, 1, "bowl"),
        ([KINDS], [0, 1], ["cup", "bowl"]),
        ({"_type": "Sequence", "feature": KINDS}, [0, None], ["cup", None]),
        ({"_type": "List", "feature": {"_type": "LargeList", "feature": KINDS}}, [[0], [1]], [["cup"], ["bowl"]]),
        ({"k": KINDS, "n": {"_type": "Value"}}, {"k": 0, "n": 1}, {"k": "cup", "n": 1}),
        ({"_type": "Sequence", "feature": {"k": KINDS}}, {"k": [0, 1]}, {"k": ["cup", "bowl"]}),
        ([{"k": KINDS}], [{"k": 0}, None], [{"k": "cup"}, None]),
    ],
)
def test_numbers_become_names_however_they_are_nested(report, feature, value, expected):
    assert class_names(feature, "x", report)(value) == expected


@pytest.mark.parametrize("feature", [{"_type": "Value"}, [], 5, {"_type": "Sequence", "feature": {"_type": "Value"}}])
def test_other_columns_stay_as_they_are(report, feature):
    assert class_names(feature, "x", report) is None


@pytest.mark.parametrize("names", [{"cup": 0}, "ab", [1, 2], ["a", "a"]])
def test_names_that_are_none_are_refused(report, names):
    with pytest.raises(DataError, match=r"are no list of texts|are called 'a'"):
        class_names({"_type": "ClassLabel", "names": names}, "x", report)


@pytest.mark.parametrize("value", [0.0, "0", True, {"a": 1}])
def test_what_is_no_number_of_a_class_is_refused(report, value):
    with pytest.raises(DataError, match=r"column x holds .*; expected the number of a class"):
        class_names(KINDS, "x", report)(value)
