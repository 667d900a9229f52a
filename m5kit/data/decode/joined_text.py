"""Writes several columns of an item out as one text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from m5kit.data.decode._words import written
from m5kit.data.decode.base import Decoder
from m5kit.data.decode.table import TableDecoder
from m5kit.data.decode.text import TextDecoder
from m5kit.data.files import unreadable
from m5kit.ranges import Count
from m5kit.registry import DECODERS


@DECODERS.register_module("joined_text")
class JoinedTextDecoder(Decoder):
    """Texts and tables of one item → one text, in the order of the input's ``join``; what an item lacks is left out.

    One transformer then reads all of it: the variant "text and table concatenated" of SCALE (CVPR 2022, Table 8), or a
    title with its description and the words seen on the picture.

    Args:
        between: written between two columns, with a space on either side.
        max_chars: what is longer is cut there.
        max_pairs: tables with more properties are refused.

    Example:
        >>> JoinedTextDecoder()({"text": "a red mug", "table": {"colour": "red", "sizes": [38, 39]}}, Path())
        'a red mug ; colour : red ; sizes : 38 , 39'
    """

    joins = True

    def __init__(self, *, between: str = ";", max_chars: Count = 10_000, max_pairs: Count = 256) -> None:
        self.between = f" {between} " if between else " "
        self.max_chars = max_chars
        self.text, self.table = TextDecoder(max_chars=max_chars), TableDecoder(max_pairs=max_pairs)

    def __call__(self, source: Any, root: Path) -> str:
        """Return the text made of column → text or table.

        Raises:
            DecodeError: no mapping, nothing in it, or a column that is neither a text nor a table.
        """
        if not isinstance(source, Mapping) or not source:
            raise unreadable(source, f"expected texts and tables by column, got {type(source).__name__}; set join")
        columns = (self._written(column, root) for column in source.values())
        return self.between.join(columns)[: self.max_chars].rstrip()

    @classmethod
    def example(cls, folder: Path) -> tuple["JoinedTextDecoder", dict[str, Any]]:
        """A title and a few properties."""
        return cls(), {"text": "a red mug", "table": {"colour": "red", "washable": True}}

    def _written(self, column: Any, root: Path) -> str:
        if not isinstance(column, Mapping):
            return self.text(column, root)
        return " ; ".join(f"{key} : {written(value)}" for key, value in self.table(column, root).items())
