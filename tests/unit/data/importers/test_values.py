from decimal import Decimal
from pathlib import Path

import pytest

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.decimal_comma import with_point
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.spellings import ALIKE, Spellings
from m5kit.data.importers.values import as_name, as_number, as_property, as_text
from m5kit.errors import DataError


@pytest.fixture
def report():
    return ImportReport(Path("annotations.jsonl"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9007199254740993", 9007199254740993),
        ("12345678901234567891", 12345678901234567891),
        ("-3", -3),
        (" 2.50 ", 2.5),
        ("007", 7),
        (4, 4),
        ("inf", None),
        ("NaN", None),
        (float("inf"), None),
    ],
)
def test_numbers_are_exact_or_absent(report, text, expected):
    found = as_number(text, "n", "a", report)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text", ["1_000", "3,5", "0x1f", "five", "1e", ".", "+", "1.2.3", "1d5", "²", "1e1_0", "--1", "infinit"]
)
def test_codes_are_no_numbers(report, text):
    with pytest.raises(DataError, match="item a: n must be a number"):
        as_number(text, "n", "a", report)


def test_a_rounded_number_is_counted(report):
    assert as_number("0.12345678901234567891", "n", "a", report) == 0.12345678901234568
    assert as_number("0.1", "n", "a", report) == 0.1
    assert report.changed == {"n: numbers were rounded to 64 bits": 1}
    assert as_number("1e-99999999999999999999", "n", "a", report) == 0
    assert report.changed.total() == 2


def test_lists_of_texts_may_have_gaps(report):
    assert as_text(["a", None, " ", "b"], "captions", report) == "a b"
    assert as_text([None], "captions", report) is None


def test_bytes_are_texts_by_the_mark_of_their_encoding(report):
    assert as_text("grün".encode("utf-16"), "title", report) == "grün"
    assert as_text("\ufeffgrün \ufffd".encode(), "title", report) == "grün \ufffd"
    assert not report.changed
    assert as_text("grün".encode("latin-1"), "title", report) == "gr\ufffdn"
    assert report.changed == {"title: bytes that are not UTF-8 became \ufffd": 1}


def test_names_lose_spaces_around_them_and_half_characters(report):
    assert [as_name(value, "k", report) for value in (" mug ", "a\ud800b", 3.0, 2.5, True)] == [
        "mug",
        "ab",
        "3",
        "2.5",
        "True",
    ]
    assert report.changed.total() == 2
    assert as_name(1.5e300, "k", report) == "1.5e+300"


def test_names_that_look_alike_are_noticed_once_and_kept(report):
    spellings = Spellings(report.notice)
    for name in ("mug", "Mug", "Mug", "3", "3.0", "red  cup", "red cup", "bowl", "re\u0301d", "r\u00e9d", None):
        spellings.look_at("label c", name)
    assert report.noticed.total() == 4
    for name in ("NaN", "NaN", "N/A", "None", "nano", "1"):
        spellings.look_at("label d", name)
    assert report.noticed["label d: names that usually say that there is none"] == 3
    assert "'mug' and 'Mug'" in report.examples.values()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modalities": {"table": ("a",)}, "table": ("b",)}, "--table or from --map table=COLUMN; give one"),
        ({"modalities": {"id": ("a",)}}, "--map id: expected a modality.*--id, --split, --label"),
        ({"modalities": {"text": ("a",)}, "several": ("text",), "separator": ""}, "--separator is empty"),
        ({"modalities": {"text": ("a",)}, "shares": {"train": -1.0, "test": 2.0}}, "train=-1: expected a share over 0"),
        ({"modalities": {"x/../y": ("a",)}}, "--map x/../y: expected a modality"),
        ({"modalities": {"text": ("a",)}, "values": ("ocr",)}, "values are named for 'ocr', but no column is mapped"),
    ],
)
def test_what_would_be_overwritten_is_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        ColumnMapping(**arguments)


def test_digits_of_another_width_or_script_are_digits(report):
    found = [as_number(text, "n", "a", report) for text in ("１２", "１.５", "٣", "-७e2")]
    assert found == [12, 1.5, 3, -700.0]
    assert isinstance(found[0], int)
    assert report.changed == {"n: digits of another script or width were read as 0 to 9": 4}


def test_a_long_text_of_digits_takes_no_time(report):
    with pytest.raises(DataError, match="must be a number"):
        as_number("1" * 1_000_000 + "x", "n", "a", report)


def test_a_list_with_gaps_is_closed_up_and_told(report):
    assert as_property([12, None, 30], "size", report) == [12, 30]
    assert report.changed == {"size: lists with gaps were closed up": 1}
    assert as_property([None, None], "size", report) is None


@pytest.mark.parametrize("value", [[[1.0, 2.0]], [{"a": 1}]])
def test_a_list_of_lists_or_tables_is_no_property(report, value):
    with pytest.raises(DataError, match="column v holds a"):
        as_property(value, "v", report)


def test_a_number_beyond_all_quantities_is_left_out_and_told(report):
    assert as_property([1, 10**400], "v", report) == [1]
    assert report.left_out == {"v: numbers of more than 308 digits": 1}


def test_durations_of_pandas_keep_their_nanoseconds(report):
    pandas = pytest.importorskip("pandas")
    assert as_property(pandas.Timedelta(1_500_000_001, "ns"), "v", report) == 1.500000001
    assert as_property(pandas.Timedelta(-1, "ns"), "v", report) == -1e-9


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("1,234", "between thousands, remove it; if it is a decimal comma, say --decimal-comma"),
        ("1,234.50", "remove the commas between its thousands"),
        ("3,5", "say --decimal-comma"),
        ("5 kg", "leave it out of --number"),
    ],
)
def test_a_comma_between_thousands_is_not_taken_for_a_decimal_one(report, text, advice):
    with pytest.raises(DataError, match=advice):
        as_number(text, "price", "a", report)


def test_dropped_signs_between_thousands_are_counted(report):
    found = [with_point(text, "price", "a", report) for text in ("1.500", "1.234,5", "12,5", "1\u2019000", 3)]
    assert found == ["1500", "1234.5", "12.5", "1000", 3]
    assert report.changed == {"price: signs between thousands were dropped": 3}
    assert report.examples["price: signs between thousands were dropped"] == "1.500 to 1500"


def test_names_of_decimals_lose_zeros_and_that_is_told(report):
    assert [as_name(Decimal(text), "version", report) for text in ("1.10", "1.25", "3.00")] == ["1.1", "1.25", "3"]
    assert report.changed == {"version: decimals are written without zeros at their end": 2}


def test_labels_that_are_one_number_are_told(report):
    spellings = Spellings(report.notice)
    for name in ("1.5", "1.50", "07", "7", "-7", "1.2.0", "1.2", "0", "00"):
        spellings.look_at("label c", name)
    assert report.noticed == {f"label c: {ALIKE}": 3}
