"""Remembers millions of ids in a few bytes each."""

from array import array
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from m5kit.errors import DataError
from m5kit.nn.pretrained.library import import_library


class IdTable:
    """A small number for each id: twelve bytes an id, whatever its length.

    Ids are told apart by 64 bits of their hash; with ten million of them, two fall together once in 300 000 tables.

    Args:
        pairs: ids and numbers; of an id that comes twice the first number counts.
    """

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        hashes, numbers = array("q"), array("i")
        for name, number in pairs:
            # Python's own hash, quick and of 64 bits; the table never leaves this process
            hashes.append(hash(name))
            numbers.append(number)
        # sorted once, then every look-up is a bisection; a dict of the same ids takes ten times the memory
        self._hashes, first = np.unique(np.frombuffer(hashes, np.int64), return_index=True)
        self._numbers = np.frombuffer(numbers, np.int32)[first]

    def __len__(self) -> int:
        return len(self._hashes)

    @property
    def largest(self) -> int:
        """The largest number, -1 if there is none."""
        return int(self._numbers.max(initial=-1))

    def get(self, name: str) -> int | None:
        """The number of an id, or None.

        Example:
            >>> table = IdTable([("a", 5), ("b", 6), ("a", 7)])
            >>> table.get("a"), table.get("c"), len(table)
            (5, None, 2)
        """
        key = np.int64(hash(name))
        place = int(np.searchsorted(self._hashes, key))
        return int(self._numbers[place]) if place < len(self) and self._hashes[place] == key else None


def read_ids(path: Path) -> Iterator[str]:
    """The ids in a list: one a line (what follows a blank is passed over), a JSON list, or the keys of a JSON object.

    Raises:
        DataError: no such file, or damaged JSON.
    """
    if path.suffix == ".json":
        for key, _ in stream_json(path):
            yield key
        return
    try:
        with path.open(encoding="utf-8-sig") as file:  # a mark at the beginning is no part of the first id
            for words in map(str.split, file):
                if words:
                    yield words[0]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the id list {path}: {error}") from error


def read_map(path: Path) -> dict[str, Any]:
    """The pairs of a JSON object.

    Raises:
        DataError: no such file, damaged JSON, or a key that comes again with another value.
        MissingDependencyError: ``ijson`` is not installed.
    """
    found: dict[str, Any] = {}
    for key, value in stream_json(path):
        if found.setdefault(key, value) != value:
            raise DataError(f"{path}: the key {key!r} is given twice, with {found[key]!r} and {value!r}; remove one")
    return found


class _ShallowJson:
    """Hands on the bytes of a JSON file, unless they open brackets by the thousand: the parser never ends with these.

    Args:
        file: opened.
    """

    DEEPEST = 1000

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            ValueError: more brackets open in them than close, by far.
        """
        content = self.file.read(size)
        opened = content.count(b"[") + content.count(b"{") - content.count(b"]") - content.count(b"}")
        if opened > self.DEEPEST:
            raise ValueError("it is nested too deeply")
        return content


def stream_json(path: Path) -> Iterator[tuple[str, Any]]:
    """The pairs of a JSON object, or the entries of a list with None, read as a stream however large the file is.

    Raises:
        DataError: no such file, or damaged JSON; how far it could be read is in the message.
        MissingDependencyError: ``ijson`` is not installed.
    """
    ijson = import_library("ijson", "data import m5product", "m5kit[m5product]")
    count = 0
    try:
        with path.open("rb") as file:
            first = file.read(4096)
            listed = first.removeprefix(BOM_UTF8).lstrip()[:1] == b"["
            file.seek(len(BOM_UTF8) if first.startswith(BOM_UTF8) else 0)
            # floats and not decimals, which no later step could store
            shallow = _ShallowJson(file)
            items = ijson.items(shallow, "item") if listed else ijson.kvitems(shallow, "", use_float=True)
            for item in items:
                yield (str(item), None) if listed else item
                count += 1
    except (OSError, ValueError, RecursionError, ijson.JSONError) as error:
        raise DataError(f"cannot read {path} as JSON after {count:,} entries: {error}") from error
