from decimal import Decimal
from pathlib import Path

import pytest

from m5kit.data.importers.absence import BLANK, NO_QUANTITY, NONE, is_there, notice_none
from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.reading import Blob
from m5kit.data.importers.report import ImportReport


@pytest.fixture
def report():
    return ImportReport(Path("annotations.jsonl"))


@pytest.mark.parametrize("text", [" ", "\t\n", "\u00a0", "\u200b\u200b", "\ufeff", "\0", "\u2800", "\u3164", "\ue000"])
def test_a_text_without_a_sign_to_read_is_absence_and_told(report, text):
    assert not is_there(text, "title", report)
    assert report.left_out == {f"title: {BLANK}": 1}
    assert report.examples == {f"title: {BLANK}": repr(text)}


@pytest.mark.parametrize("value", [float("nan"), Decimal("NaN")])
def test_nan_is_absence_and_told(report, value):
    assert not is_there(value, "size", report)
    assert report.left_out == {f"size: {NO_QUANTITY}": 1}


@pytest.mark.parametrize("value", [None, "", [], {}, b"", Blob(b"", ".jpg")])
def test_what_says_nothing_is_absence_without_a_word(report, value):
    assert not is_there(value, "a", report)
    assert not report.left_out


@pytest.mark.parametrize("value", ["a", " é ", "\u200ba", "👨\u200d👩", "-", 0, 0.0, False, [None], Blob(b"a", ".jpg")])
def test_the_rest_is_there(report, value):
    assert is_there(value, "a", report)
    assert not report.left_out


@pytest.mark.parametrize("text", ["NULL", "NA", "N/A", "nan", "None"])
def test_words_for_nothing_are_told_and_taken(report, text):
    notice_none(text, "title", report.notice)
    assert report.noticed == {f"title: {NONE}": 1}


def test_an_import_tells_them_wherever_they_stand(imported, tmp_path):
    (tmp_path / "a.csv").write_text(
        "id,title,more,brand,kind\n1,NULL,,N/A,cup\nnan,a,b,\u200b,\u200b\n3, ,none,-,\n4,\u200b,,\u00a0,\n",
        encoding="utf-8",
    )
    columns = ColumnMapping({"text": ("title", "more")}, table=("brand",), labels={"kind": "kind"})
    report, items = imported("csv", tmp_path / "a.csv", columns=columns)
    assert [(item["text"], item["table"], item["labels"]) for item in items] == [
        ("NULL", {"brand": "N/A"}, {"kind": "cup"}),
        ("a", None, None),
        ("none", {"brand": "-"}, None),
    ]
    assert report.noticed == {f"title: {NONE}": 1, f"more: {NONE}": 1, f"brand: {NONE}": 2, f"id: {NONE}": 1}
    assert report.left_out == {f"title: {BLANK}": 2, f"brand: {BLANK}": 2, f"kind: {BLANK}": 1}
