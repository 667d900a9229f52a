import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch

from m5kit.data.decode.table import TableDecoder
from m5kit.errors import DecodeError


def decode(table, **arguments):
    return TableDecoder(**arguments)(table, Path())


def test_kinds_are_kept_and_texts_cleaned():
    table = {" colour ": " dark\tred ", "size_mm": 180, "weight": 0.5, "new": True, "box": ["cup ", 2, None]}
    found = decode(table)
    assert found == {"colour": "dark red", "size_mm": 180, "weight": 0.5, "new": True, "box": ["cup", 2]}
    assert found["new"] is True
    assert list(found) == ["colour", "size_mm", "weight", "new", "box"]


def test_a_property_without_a_value_is_left_out():
    assert decode({"a": None, "b": "", "c": [], "d": [None, ""], "e": 0, "f": False, "": "x"}) == {"e": 0, "f": False}


def test_long_keys_and_texts_are_cut():
    assert decode({"abcdef": "uvwxyz"}, max_chars=3) == {"abc": "uvw"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "cannot read the table: expected property → value, got NoneType"),
        (["a"], "cannot read the table: expected property → value, got list"),
        ({}, "cannot read the table: no property has a value; use null for an item without a table"),
        ({"a": None}, "cannot read the table: no property has a value; use null for an item without a table"),
        ({"a": 1, "b": 2, "c": 3}, "cannot read the table: 3 properties are over max_pairs=2"),
        (
            {"a": {"b": 1}},
            "cannot read {'a': {'b': 1}}: property 'a' is dict; expected a text, a number, a boolean or a list",
        ),
        ({"a": float("nan")}, "property 'a' is nan; leave out what the item does not have"),
        ({"a": [[1]]}, "property 'a' is list; expected a text, a number, a boolean or a list"),
        ({"a": date(2020, 1, 1)}, "property 'a' is date; expected a text, a number, a boolean or a list"),
    ],
)
def test_what_is_no_table(given, message):
    with pytest.raises(DecodeError, match=re.escape(message)):
        decode(given, max_pairs=2)


def test_numbers_and_texts_of_numpy_are_what_they_hold():
    row = {"price": np.float32(2.5), "pieces": np.int64(3), "new": np.bool_(True), "colour": np.str_("red")}
    assert decode(row) == {"price": 2.5, "pieces": 3, "new": True, "colour": "red"}
    assert type(decode(row)["pieces"]) is int
    with pytest.raises(DecodeError, match="'price' is nan; leave out"):
        decode({"price": np.float32("nan")})


def test_whole_numbers_stay_exact_and_endless_ones_are_refused():
    assert TableDecoder()({"gtin": 12345678901234567891}, Path()) == {"gtin": 12345678901234567891}
    with pytest.raises(DecodeError, match="property 'n' is a number of 401 digits"):
        TableDecoder()({"n": 10**400}, Path())


@pytest.mark.parametrize("names", [("size", " size"), ("size", "size\t"), ("\u00e9", "e\u0301")])
def test_no_value_takes_the_place_of_another_whose_name_looks_the_same(names):
    with pytest.raises(DecodeError, match=f"the properties '{names[0]}' and .* have one name; rename one"):
        decode(dict.fromkeys(names, 1))


@pytest.mark.parametrize("value", [np.arange(2), torch.tensor([1.0, 2.0]), torch.tensor(1.0)])
def test_an_array_is_no_value_of_a_property(value):
    for read in (decode, TableDecoder().accept):
        with pytest.raises(DecodeError, match=r"property 'size' is (ndarray|Tensor); expected a text, a number"):
            read({"size": value})


def test_what_pandas_writes_for_no_value_is_told():
    pandas = pytest.importorskip("pandas")
    for value in (pandas.NA, pandas.NaT):
        with pytest.raises(DecodeError, match="'size' is nan; leave out what the item does not have"):
            decode({"size": value})
