"""Reads a text that stands in the manifest itself."""

from pathlib import Path
from typing import Any

from m5kit.data.decode._words import clean
from m5kit.data.decode.base import Decoder
from m5kit.data.files import unreadable
from m5kit.data.held import FileBytes
from m5kit.ranges import Count
from m5kit.registry import DECODERS


@DECODERS.register_module("text")
class TextDecoder(Decoder):
    r"""Cleans a title or description: NFC, single spaces, no control characters.

    Args:
        max_chars: what is longer is cut there; unlike a picture, the beginning of a text is still a text.

    Example:
        >>> TextDecoder(max_chars=7)("  red\n mug, large", Path())
        'red mug'
    """

    def __init__(self, *, max_chars: Count = 10_000) -> None:
        self.max_chars = max_chars

    def __call__(self, source: Any, root: Path) -> str:
        """Return the cleaned text.

        Raises:
            DecodeError: ``source`` is not a string, or nothing is left of it.
        """
        if not isinstance(source, str):
            given = "bytes" if isinstance(source, FileBytes) else type(source).__name__
            raise unreadable(source, f"expected a text, got {given}")
        text = clean(source[: 4 * self.max_chars])[: self.max_chars].rstrip()
        if not text:
            raise unreadable(source[:40], "the text is empty; use null for an item without a text")
        return text

    @classmethod
    def example(cls, folder: Path) -> tuple["TextDecoder", str]:
        """A title."""
        return cls(), "a red mug"
