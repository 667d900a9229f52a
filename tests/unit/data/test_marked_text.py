import codecs

import pytest

from m5kit.data.marked_text import decode_text


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-8"),
    ],
)
def test_texts_are_read_by_their_mark(mark, encoding):
    assert decode_text(mark + "grün \ufffd 水".encode(encoding)) == ("grün \ufffd 水", True)


@pytest.mark.parametrize(
    ("data", "text"),
    [("grün".encode("latin-1"), "gr\ufffdn"), (codecs.BOM_UTF16_LE + b"a\0b", "a\ufffd"), (b"", "")],
)
def test_what_is_no_text_is_told(data, text):
    assert decode_text(data) == (text, not data)
