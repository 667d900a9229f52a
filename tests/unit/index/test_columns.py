import pytest

from m5kit.errors import DataError
from m5kit.index.columns import MOST_COLUMNS, Column, ColumnCollector, stored_name, to_arrow


def collected(*items):
    collector = ColumnCollector()
    for item in items:
        collector.see(item)
    return collector


def test_the_values_decide_the_kind():
    items = [{"a": 1, "b": True, "c": "x", "d": 1, "e": 2**60, "f": ["x", 1]}, {"a": 2.5, "d": "two"}]
    kinds = {column.name: column.kind for column in collected(*items).columns()}
    assert kinds == {"a": "number", "b": "boolean", "c": "string", "d": "string", "e": "string", "f": "string"}


def test_whole_numbers_that_a_float_cannot_hold_keep_their_digits():
    column = Column("code", "code", "string")
    assert to_arrow(column, [2**60 + 1, None], ["a", "b"]).to_pylist() == ["1152921504606846977", None]


def test_rare_properties_are_left_out_and_named():
    common = {f"c{number}": 1 for number in range(MOST_COLUMNS)}
    found = collected(common, {**common, "rare": 1})
    assert len(found.columns()) == MOST_COLUMNS
    assert found.left_out() == ["rare"]


def test_names_of_the_store_are_plain_and_different():
    taken = [Column("Room name", "Room_name", "string")]
    assert stored_name("room.name", taken) == "room_name_2"
    assert stored_name("id", []) == "id_2"
    assert stored_name("颜色", []) == "__"


def test_a_value_that_does_not_fit_names_item_and_column():
    with pytest.raises(DataError, match="item 'b': price = 'cheap' is no number"):
        to_arrow(Column("price", "price", "number"), [1.0, "cheap"], ["a", "b"])
