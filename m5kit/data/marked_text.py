"""Texts by the mark of their encoding, with which editors begin a file of UTF-16 or UTF-32."""

import codecs

MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
MARKS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # in this order: one begins with the other


def decode_text(data: bytes) -> tuple[str, bool]:
    """What bytes say, and whether all of it is text: UTF-16 or UTF-32 if they are marked so, else UTF-8.

    Other bytes become U+FFFD. The mark is no part of the text.

    Example:
        >>> decode_text(codecs.BOM_UTF16_LE + "ü".encode("utf-16-le"))
        ('ü', True)
    """
    encoding = next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8-sig")
    try:
        return data.decode(encoding), True
    except UnicodeDecodeError:
        return data.decode(encoding, "replace"), False
