"""The rows of a file with one JSON object a line: found by offset, parsed one by one or all in one quick pass.

A million rows are opened in seconds: a pass decodes a few hundred lines at once and lets Python's
parser go from value to value, without a copy of each line.
"""

import json
import mmap
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.json_values import SURROGATE, parse_json

PATHS = ("audio", "image", "video")
"""Modalities whose value in a row is the path of a file."""

APART = ("id", "split", "labels", *PATHS)
"""Keys of a row whose texts tell items, classes and files apart."""

BLOCK = 2**22
"""Bytes in which line ends are searched at a time."""

TOGETHER = 200
"""Lines that a pass decodes at a time: so few that Python's garbage collector does not look through their values."""

SPACES = np.frombuffer(b" \t\r\n\v\f", np.uint8)
NEW_LINE = ord("\n")
_parse = json.JSONDecoder().raw_decode
_Numbers = NDArray[np.int64]


class JsonLines:
    """A file with one JSON object a line; keeps where lines start and parses them on access.

    Empty lines are skipped. A pickle holds the path and eight bytes a line, so workers get it cheaply.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._starts, self._numbers = _line_starts(path)

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Any:
        start = int(self._starts[index])
        end = self._bytes.find(b"\n", start)
        return parse_json(self._bytes[start:] if end < 0 else self._bytes[start:end], APART)

    def place(self, index: int) -> str:
        """The number of the line, counted from 1."""
        return f"line {index + 1 if self._numbers is None else self._numbers[index]}"

    def quick_pass(self) -> Iterator[Any]:
        """What each row holds, in order; None where only ``self[index]`` can tell."""
        with self.path.open("rb") as file:
            for first in range(0, len(self), TOGETHER):
                starts = self._starts[first : first + TOGETHER + 1]
                # the rest of the file for the last ones
                size = -1 if len(starts) <= TOGETHER else int(starts[TOGETHER] - starts[0])
                file.seek(int(starts[0]))
                yield from _records(file.read(size), len(starts[:TOGETHER]))

    @cached_property
    def _bytes(self) -> mmap.mmap:
        with self.path.open("rb") as file:
            # mapped and not read: workers on one machine share the pages
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_bytes", None)  # mapped memory cannot be pickled; each worker maps the file itself
        return state


def _records(lines: bytes, count: int) -> Iterator[Any]:
    """What ``count`` lines hold; None for all of them if one is no plain JSON line."""
    try:
        text = lines.decode()
    except UnicodeDecodeError:
        text = ""
    found = None if "\\u" in text and SURROGATE.search(text) else _scanned(text, count)
    yield from found or [None] * count


def _scanned(text: str, count: int) -> list[Any] | None:
    """One value a line; None if that is not what the text holds."""
    found, place = [], 0
    try:
        while place < len(text):
            value, stop = _parse(text, place)
            found.append(value)
            place = stop + 1
            if text[stop:place] not in ("\n", ""):
                place = text.index("\n", stop) + 1
                if text[stop:place].strip():
                    return None  # something follows the value in its line
    except (ValueError, RecursionError):
        return None
    # a value may go on in the next line, and is then none of one line
    if len(found) != count or text.count("\n", 0, len(text) - 1) != count - 1:
        return None
    return found if text.count('":') == sum(map(_keys, found)) else None  # else one may be given twice


def _keys(value: Any) -> int:
    """Keys of an object and of those in it; an object inside of a list is not looked for, and makes the pass slow."""
    if type(value) is not dict:
        return 0
    count = len(value)
    for part in value.values():
        if type(part) is dict:
            count += _keys(part)
    return count


def _line_starts(path: Path) -> tuple[_Numbers, _Numbers | None]:
    """Where the lines that are not empty start, and their numbers; None for the numbers if no line is empty."""
    starts, suspects = [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
    size, begins = 0, True
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            content = np.frombuffer(block, np.uint8)
            after = np.flatnonzero(content == NEW_LINE) + 1
            inside = after[after < len(block)]
            firsts = np.concatenate([np.zeros(int(begins), np.int64), inside])
            suspects.append(np.isin(content[firsts], SPACES))
            starts.append(firsts + size)
            size += len(block)
            begins = content[-1] == NEW_LINE
    every = np.concatenate(starts)
    kept = np.ones(len(every), np.bool_)
    with path.open("rb") as file:
        for line in np.flatnonzero(np.concatenate(suspects)).tolist():
            file.seek(int(every[line]))
            kept[line] = bool(file.readline().strip())
    return every[kept], None if kept.all() else np.flatnonzero(kept) + 1
