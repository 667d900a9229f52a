import re
from pathlib import Path

import pytest

from m5kit.data.decode.joined_text import JoinedTextDecoder
from m5kit.errors import DecodeError


def test_columns_are_written_in_their_order():
    decode = JoinedTextDecoder()
    item = {"title": " Red\n mug ", "table": {"size_mm": 90.50, "new": True}, "seen": "HOT"}
    assert decode(item, Path()) == "Red mug ; size_mm : 90.5 ; new : yes ; HOT"
    assert decode(dict(reversed(item.items())), Path()) == "HOT ; size_mm : 90.5 ; new : yes ; Red mug"


def test_what_stands_between_is_chosen_and_long_texts_are_cut():
    item = {"title": "red mug", "seen": "hot stuff"}
    assert JoinedTextDecoder(between="")(item, Path()) == "red mug hot stuff"
    assert JoinedTextDecoder(between="|", max_chars=10)(item, Path()) == "red mug |"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("red mug", "cannot read 'red mug': expected texts and tables by column, got str; set join"),
        ({}, "expected texts and tables by column, got dict; set join"),
        ({"text": 7}, "cannot read 7: expected a text, got int"),
        ({"table": {"a": {"b": 1}}}, "property 'a' is dict"),
    ],
)
def test_what_cannot_be_joined(given, message):
    with pytest.raises(DecodeError, match=re.escape(message)):
        JoinedTextDecoder()(given, Path())
