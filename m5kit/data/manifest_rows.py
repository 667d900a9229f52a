"""The rows of a manifest file, read one at a time, and what may be wrong with one.

Nothing here imports torch: ``m5kit data validate`` stands on it.
"""

import mmap
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from m5kit.data.columnar import ArrowRows, ColumnRows, ParquetRows
from m5kit.data.json_values import parse_json
from m5kit.errors import DataError

MODALITIES = ("audio", "image", "table", "text", "video")
PATHS = ("audio", "image", "video")
APART = ("id", "split", "labels", *PATHS)
"""Keys of a row whose texts tell items, classes and files apart."""
NAMES = ("annotations.jsonl", "annotations.parquet", "annotations.arrow")
KINDS: Mapping[str, type[ColumnRows]] = {".parquet": ParquetRows, ".arrow": ArrowRows}
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one row of a manifest."""

    place: str
    id: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.field}: {self.message}"


class Rows(Protocol):
    """The rows of one file; an index counts rows, a place is what a person looks up."""

    path: Path

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any:
        """The row as JSON data; ValueError if it is none."""

    def place(self, index: int) -> str:
        """``line 7`` or ``row 7``, counted from 1."""


def open_rows(root: Path, name: str | None = None) -> Rows:
    """Open the manifest in folder ``root``, or ``root`` itself if it is a file.

    Raises:
        DataError: there is none, or there are several and ``name`` does not say which.
    """
    path = _find(root, name)
    rows: Rows = KINDS.get(path.suffix, JsonLines)(path)
    if not len(rows):
        raise DataError(f"{path} holds no items; write one JSON object a line (docs/howto/own-data.md)")
    return rows


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
        return f"line {self._numbers[index]}"

    @cached_property
    def _bytes(self) -> mmap.mmap:
        with self.path.open("rb") as file:
            # mapped and not read: workers on one machine share the pages
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.pop("_bytes", None)  # mapped memory cannot be pickled; each worker maps the file itself
        return state


def scan(rows: Rows, modalities: Sequence[str]) -> Iterator[tuple[Mapping[str, Any], list[Problem]]]:
    """Read every row once with what is wrong in it; a row that cannot be parsed is an empty one."""
    places: dict[str, str] = {}
    for index in range(len(rows)):
        place = rows.place(index)
        record, found = check_row(rows, index, modalities)
        key = record.get("id")
        if isinstance(key, str) and places.setdefault(key, place) != place:
            found.append(("id", f"{key!r} already names {places[key]}; every item needs its own"))
        yield record, [Problem(place, key if isinstance(key, str) else "", *problem) for problem in found]


def check_row(rows: Rows, index: int, modalities: Sequence[str]) -> tuple[Mapping[str, Any], list[tuple[str, str]]]:
    """One row, and pairs (field, message) for what is wrong in it; what is no JSON object is an empty row."""
    try:
        record = rows[index]
    except (ValueError, RecursionError) as error:  # RecursionError: lists in lists, thousands deep
        return {}, [("row", f"is no JSON ({error})")]
    return record if isinstance(record, Mapping) else {}, list(record_problems(record, modalities))


def record_problems(record: Any, modalities: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pairs (field, message) for what is wrong with one row, files left aside.

    Example:
        >>> list(record_problems({"id": "a", "image": 5}, ["image"]))
        [('image', 'expected a path, got 5 (int)')]
    """
    if not isinstance(record, Mapping):
        yield "row", f"expected a JSON object, got {_given(record)}"
        return
    if record.get("id") in (None, ""):  # 0 is there, and no text
        yield "id", "is missing; give every item a name of its own"
    elif not isinstance(record["id"], str):
        yield "id", f"expected a text, got {_given(record['id'])}"
    if not isinstance(record.get("split") or "", str):
        yield "split", f"expected a text, got {_given(record['split'])}"
    yield from _label_problems(record.get("labels"))
    for modality in modalities:
        if record.get(modality) is not None:
            for message in _value_problems(modality, record[modality]):
                yield modality, message


def raise_for(path: Path, problems: Iterable[Problem]) -> None:
    """Raise one DataError that lists the problems, at most 20 of them; nothing if there are none."""
    every = list(problems)
    if not every:
        return
    lines = [f"  {problem}" for problem in every[:SHOWN]]
    if len(every) > SHOWN:
        lines.append(f"  and {len(every) - SHOWN} more; m5kit data validate {path} lists them")
    count = "1 problem" if len(every) == 1 else f"{len(every)} problems"
    raise DataError("\n".join([f"{path} has {count}:", *lines]))


def _find(root: Path, name: str | None) -> Path:
    if root.is_file():
        return root
    found = [root / candidate for candidate in ((name,) if name else NAMES) if (root / candidate).is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{root} holds both {' and '.join(file.name for file in found)}; name the one to read")
    raise DataError(f"no {name or ' or '.join(NAMES)} in {root}; see docs/howto/own-data.md for how to write one")


def _line_starts(path: Path) -> tuple[np.ndarray, np.ndarray]:
    # arrays of machine numbers: a list of ten million Python numbers takes ten times the memory
    starts, numbers, position = array("q"), array("q"), 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                starts.append(position)
                numbers.append(number)
            position += len(line)
    return np.array(starts, dtype=np.int64), np.array(numbers, dtype=np.int64)


def _label_problems(labels: Any) -> Iterator[tuple[str, str]]:
    if labels is None:
        return
    if not isinstance(labels, Mapping):
        yield "labels", f"expected names and values, got {_given(labels)}"
        return
    for name, label in labels.items():
        if label is not None and not isinstance(label, str):
            yield f"labels.{name}", f"expected a text, got {_given(label)}"


def _value_problems(modality: str, value: Any) -> Iterator[str]:
    kind = "a path" if modality in PATHS else {"text": "a text", "table": "properties and values"}.get(modality)
    wanted: type = Mapping if modality == "table" else str
    if kind and not isinstance(value, wanted):
        yield f"expected {kind}, got {_given(value)}"
    elif isinstance(value, str | Mapping) and not (value.strip() if isinstance(value, str) else value):
        yield "is empty; write null if the item has none"
    elif modality == "table":
        for name, part in value.items():
            if isinstance(part, Mapping):
                yield f"property {name!r}: expected a text, a number, true or false, or a list, got {_given(part)}"


def _given(value: Any) -> str:
    try:
        shown = repr(value)
    except RecursionError:
        return f"something nested too deep ({type(value).__name__})"
    return f"{shown if len(shown) <= 40 else shown[:37] + '...'} ({type(value).__name__})"
