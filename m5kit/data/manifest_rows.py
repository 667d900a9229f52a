"""The rows of a manifest file, read one at a time, and what may be wrong with one.

Nothing here imports torch: ``m5kit data validate`` stands on it.
"""

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from m5kit.data.columnar import ArrowRows, ColumnRows, ParquetRows
from m5kit.data.files import require_inside
from m5kit.data.json_lines import PATHS, JsonLines
from m5kit.data.remote.copies import describe_with, shown
from m5kit.errors import DataError

LONGEST_ID = 1_000
"""Characters. Ids stand in arrays as wide as the longest: one of a megabyte would cost a terabyte among a million."""
MODALITIES = ("audio", "image", "table", "text", "video")
NAMES = ("annotations.jsonl", "annotations.parquet", "annotations.arrow")
KINDS: Mapping[str, type[ColumnRows]] = {".parquet": ParquetRows, ".arrow": ArrowRows}
SEVERAL = (*PATHS, "text")
"""Modalities of which a row may have several values, as a list."""

SHEETS = (".csv", ".tsv")
"""Endings of files that an importer reads, and that somebody may take for a manifest."""

NO_TEXT: Mapping[str, tuple[bytes, ...]] = {
    "compressed": (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zX", b"PK\x03\x04"),
    "written in UTF-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "a Parquet or an Arrow file, whatever its name": (b"PAR1", b"ARRO"),
}
"""How files begin that are no lines of JSON, of which every line would be named."""

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


def open_rows(root: Path, name: str | None = None, follow_links: bool = False) -> Rows:
    """Open the manifest in folder ``root``, or ``root`` itself if it is a file.

    Args:
        root: the folder, or the file.
        name: of the file, if it is another or if there are several.
        follow_links: also open a file that a link in ``root`` leads to outside of it.

    Raises:
        DataError: there is none, there are several and ``name`` does not say which, or it lies outside of ``root``.
    """
    path = _find(root, name)
    # whoever names a file means that file; one that is found in a folder may come with the folder
    if path != root:
        require_inside(path, root, follow_links)
    if path.suffix not in KINDS:
        _require_text(path)
    rows: Rows = KINDS.get(path.suffix, JsonLines)(path)
    if not len(rows):
        raise DataError(f"{shown(path)} holds no items; write one JSON object a line (docs/howto/own-data.md)")
    return rows


def _require_text(path: Path) -> None:
    with path.open("rb") as file:
        first = file.read(4)
    for what, starts in NO_TEXT.items():
        if first.startswith(starts):
            raise DataError(f"{shown(path)} is {what}; it must be JSON lines in UTF-8, as they are")


def check_row(rows: Rows, index: int, modalities: Sequence[str]) -> tuple[Mapping[str, Any], list[tuple[str, str]]]:
    """One row, and pairs (field, message) for what is wrong in it; what is no JSON object is an empty row."""
    try:
        record = rows[index]
    except (ValueError, RecursionError) as error:  # RecursionError: lists in lists, thousands deep
        return {}, [("row", _in_our_words(error))]
    return record if isinstance(record, Mapping) else {}, list(record_problems(record, modalities))


def _in_our_words(error: Exception) -> str:
    """Why a row cannot be read; Python counts lines and bytes of a text that is but one line of the file."""
    if isinstance(error, json.JSONDecodeError):
        why = f"{error.msg[:1].lower()}{error.msg[1:].removesuffix(' at')} in column {error.colno}"
        return f"is no JSON ({why}); write one JSON object a line, without comments"
    if isinstance(error, UnicodeDecodeError):
        return f"is no JSON in UTF-8 (byte {error.object[error.start]:#04x} in place {error.start + 1})"
    return f"is no JSON ({error})"


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
    elif len(record["id"]) > LONGEST_ID:
        yield "id", f"has {len(record['id']):,} characters; at most {LONGEST_ID:,} can be kept"
    elif "\0" in record["id"]:  # arrays of numpy end a text there, and two ids could become one
        yield "id", f"holds the character 0, got {_given(record['id'])}; leave it out"
    if not isinstance(record.get("split") or "", str):
        yield "split", f"expected a text, got {_given(record['split'])}"
    yield from _label_problems(record.get("labels"))
    for modality in modalities:
        if record.get(modality) is not None:
            for message in _value_problems(modality, record[modality]):
                yield modality, message


def looks_right(record: Any, modalities: Sequence[str]) -> bool:
    """Whether a row has no problem, told quickly; False where only :func:`record_problems` can tell."""
    if type(record) is not dict or type(record.get("id")) is not str or not 0 < len(record["id"]) <= LONGEST_ID:
        return False
    if "\0" in record["id"]:
        return False
    labels, split = record.get("labels"), record.get("split")
    if labels is None:
        labels = {}
    if type(labels) is not dict or (split is not None and type(split) is not str):
        return False
    # plain loops: this is asked of every row of millions
    for label in labels.values():
        if label is not None and type(label) is not str:
            return False
    for modality in modalities:
        value = record.get(modality)
        if value is not None and not _looks_right(modality, value):
            return False
    return True


def _looks_right(modality: str, value: Any) -> bool:
    if type(value) is str:
        return modality != "table" and value != "" and not value.isspace()
    if type(value) is list and modality in SEVERAL:
        return value != [] and all(type(part) is str and part != "" and not part.isspace() for part in value)
    return modality == "table" and type(value) is dict and value != {} and dict not in map(type, value.values())


def raise_for(path: Path, problems: Iterable[Problem]) -> None:
    """Raise one DataError that lists the problems, at most 20 of them; nothing if there are none."""
    every = list(problems)
    if not every:
        return
    lines = [f"  {problem}" for problem in every[:SHOWN]]
    if len(every) > SHOWN:
        lines.append(f"  and {len(every) - SHOWN} more; m5kit data validate {shown(path)} lists them")
    count = "1 problem" if len(every) == 1 else f"{len(every)} problems"
    raise DataError("\n".join([f"{shown(path)} has {count}:", *lines]))


def _find(root: Path, name: str | None) -> Path:
    if root.suffix.lower() in SHEETS and root.is_file():
        raise DataError(
            f"{shown(root)} is a table, no manifest; m5kit data import csv {shown(root)} OUT makes one of it"
        )
    if root.is_file():
        return root
    if name is not None:
        describe_with(root / name)
    candidates = (name,) if name else NAMES
    found = [root / candidate for candidate in candidates if (root / candidate).is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(f"{shown(root)} holds both {' and '.join(file.name for file in found)}; name the one to read")
    raise DataError(
        f"no {name or ' or '.join(NAMES)} in {shown(root)}; m5kit data import makes one, and docs/howto/own-data.md "
        "says how to write one"
    )


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
    if not isinstance(value, list) or not value or modality not in SEVERAL:
        yield from _single_problems(modality, value)
        return
    for number, part in enumerate(value, start=1):
        for message in _single_problems(modality, part):
            yield f"value {number} of {len(value)}: {message}"


def _single_problems(modality: str, value: Any) -> Iterator[str]:
    kind = "a path" if modality in PATHS else {"text": "a text", "table": "properties and values"}.get(modality)
    wanted: type = Mapping if modality == "table" else str
    if value == [] and modality in SEVERAL:
        yield "is empty; write null if the item has none"
    elif kind and not isinstance(value, wanted):
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
