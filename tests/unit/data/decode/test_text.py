import re
from pathlib import Path

import pytest

from m5kit.data.decode._words import clean
from m5kit.data.decode.text import TextDecoder
from m5kit.errors import DecodeError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("  a\n\tred   mug ", "a red mug"),
        ("cafe\u0301", "café"),
        ("条纹杯　大号", "条纹杯 大号"),
        ("a\u0000b\u0007c", "abc"),
        ("x\ud800y", "xy"),
        ("x\ue000y", "xy"),
        ("👩\u200d🍳", "👩\u200d🍳"),
        ("a\u00a0b", "a b"),
    ],
)
def test_text_is_cleaned(given, expected):
    assert clean(given) == expected
    assert TextDecoder()(given, Path()) == expected


def test_cleaning_twice_changes_nothing():
    once = clean("\ufeff e\u0301 \u0000 \u2028 a\u0300\u0301 ")
    assert clean(once) == once


def test_long_texts_are_cut_there():
    assert TextDecoder(max_chars=3)("ab cd", Path()) == "ab"
    assert TextDecoder(max_chars=4)("杯子杯子杯子", Path()) == "杯子杯子"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "cannot read None: expected a text, got NoneType"),
        (7, "cannot read 7: expected a text, got int"),
        ("", "cannot read '': the text is empty; use null for an item without a text"),
        (" \u0000\n", "cannot read ' \\x00\\n': the text is empty; use null for an item without a text"),
    ],
)
def test_what_is_no_text(given, message):
    with pytest.raises(DecodeError, match=re.escape(message)):
        TextDecoder()(given, Path())
