from pathlib import Path

import pyarrow as pa
import pytest

from m5kit.data.importers.arrow_rows import ColumnTypes, read_batch
from m5kit.data.importers.reading import Reading
from m5kit.data.importers.report import ImportReport
from m5kit.errors import DataError


@pytest.fixture
def report():
    return ImportReport(Path("annotations.jsonl"))


def compare(report, first, second, columns=None):
    types = ColumnTypes(Reading(report, columns=columns))
    for name, type_ in (("1.parquet", first), ("2.parquet", second)):
        types.look_at(pa.schema([("x", type_)]), Path(name))
    return report


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.int64(), pa.string()),
        (pa.bool_(), pa.int8()),
        (pa.timestamp("us"), pa.string()),
        (pa.list_(pa.string()), pa.string()),
        (pa.struct([("a", pa.int64())]), pa.string()),
    ],
)
def test_a_column_of_another_type_is_told_with_both_files(report, first, second):
    compare(report, first, second)
    expected = f"x: {second} in 2.parquet, {first} in 1.parquet"
    assert report.examples == {"columns of another type than in an earlier file": expected}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.int64(), pa.float32()),
        (pa.int64(), pa.null()),
        (pa.null(), pa.string()),
        (pa.string(), pa.large_string()),
        (pa.string(), pa.dictionary(pa.int32(), pa.string())),
        (pa.binary(), pa.binary(4)),
        (pa.date32(), pa.timestamp("s")),
    ],
)
def test_types_that_a_manifest_does_not_tell_apart_are_the_same(report, first, second):
    assert not compare(report, first, second).noticed


def test_columns_that_nothing_is_made_of_are_not_compared(report):
    assert not compare(report, pa.int64(), pa.string(), columns={"y"}).noticed


@pytest.mark.parametrize(
    ("column", "why"),
    [
        (pa.array([0], pa.timestamp("us", tz="Mars/Phobos")), "there is no time zone 'Mars/Phobos'"),
        (pa.array([2**62], pa.duration("s")), r"a value of duration\[s\] is beyond the times"),
    ],
)
def test_times_that_cannot_be_read_are_told_in_our_words(column, why):
    batch = pa.RecordBatch.from_arrays([column], ["x"])
    with pytest.raises(DataError, match=f"^a: column x holds a value that cannot be read: {why}"):
        list(read_batch(batch, "a"))
    assert list(read_batch(batch, "a", columns=())) == [{"x": None}]


def test_a_span_of_months_is_no_list(report):
    from m5kit.data.importers.values import as_property

    batch = pa.RecordBatch.from_arrays([pa.array([(1, 2, 3)], pa.month_day_nano_interval())], ["x"])
    [row] = read_batch(batch, "a")
    with pytest.raises(DataError, match="column x holds a value of type MonthDayNano"):
        as_property(row["x"], "x", report)
