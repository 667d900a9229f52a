from decimal import Decimal
from pathlib import Path

import pytest

from m5kit.data.importers.absence import BLANK, NO_QUANTITY, NONE, is_there, notice_none
from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.reading import Blob
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.spellings import CUT


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


@pytest.mark.parametrize("text", ["1.23457E+12", "9,99e+13", "-5E+11"])
def test_numbers_that_a_spreadsheet_shortened_are_told_and_taken(report, text):
    notice_none(text, "gtin", report.notice)
    assert report.noticed == {f"gtin: {CUT}": 1}


@pytest.mark.parametrize("text", ["1.5E+05", "1.234567E+12", "E+12", "1E-12", "1.23457E+12 m"])
def test_other_numbers_and_codes_are_not(report, text):
    notice_none(text, "gtin", report.notice)
    assert not report.noticed


def test_ids_labels_and_cells_of_a_spreadsheet_are_told(imported, tmp_path):
    (tmp_path / "a.csv").write_text("id,title,price,kind\n1.23457E+12,a,#DIV/0!,9.9E+11\nb,b,3,#REF!\n")
    columns = ColumnMapping({"text": ("title",)}, table=("price",), labels={"kind": "kind"})
    report, _ = imported("csv", tmp_path / "a.csv", columns=columns)
    assert report.noticed == {
        f"id: {CUT}": 1,
        f"price: {NONE}": 1,
        f"label kind: {CUT}": 1,
        "label kind: names that usually say that there is none": 1,
    }
