"""Summarizes a manifest in one pass: the split of every row and all problems, in seconds for millions of rows."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from m5kit.data.columnar import ColumnRows
from m5kit.data.json_lines import JsonLines
from m5kit.data.json_values import parse_json
from m5kit.data.manifest_rows import LONGEST_ID, MODALITIES, Problem, Rows, check_row, looks_right

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What one pass over a manifest finds.

    Attributes:
        splits: names of the splits, in the order met; "" is none.
        codes: for each row, which of ``splits`` it belongs to.
        problems: in the order of the file.
    """

    splits: tuple[str, ...]
    codes: NDArray[np.int32]
    problems: tuple[Problem, ...]


def summarize(rows: Rows, modalities: Sequence[str]) -> DataSummary:
    """Look at every row once; columns are checked as columns, and only odd rows one by one."""
    if isinstance(rows, ColumnRows):
        return _summarize_columns(rows, modalities)
    return _summarize_rows(rows, modalities)


def look_through(rows: Rows, modalities: Sequence[str]) -> Iterator[tuple[Mapping[str, Any], list[Problem]]]:
    """Read every row once, with what is wrong in it by itself; a row that cannot be parsed is an empty one."""
    quick = rows.quick_pass() if isinstance(rows, JsonLines) else repeat(None)
    for row, record in zip(range(len(rows)), quick, strict=False):
        if looks_right(record, modalities):
            yield record, []
            continue
        yield _checked(rows, row, modalities)


def _summarize_rows(rows: Rows, modalities: Sequence[str]) -> DataSummary:
    names: dict[str, int] = {}
    codes, hashes = array("i"), array("q")
    found: dict[int, list[Problem]] = {}
    for row, (record, problems) in enumerate(look_through(rows, modalities)):
        codes.append(names.setdefault(str(record.get("split") or ""), len(names)))
        hashes.append(hash(name_of(record)))
        if problems:
            found[row] = problems
    return DataSummary(tuple(names), np.array(codes, dtype=np.int32), in_order(found, repeated(rows, hashes)))


def _summarize_columns(rows: ColumnRows, modalities: Sequence[str]) -> DataSummary:
    names: dict[str, int] = {}
    codes, odd, hashes = [np.zeros(0, np.int32)], [np.zeros(0, np.bool_)], [np.zeros(0, np.int64)]
    known = [name for name in dict.fromkeys(("id", "split", "labels", *modalities)) if name in rows.columns]
    for batch in rows.batches(known):
        columns = dict(zip(known, map(_decoded, batch.columns), strict=True))
        codes.append(_codes(columns.get("split"), batch.num_rows, names))
        odd.append(_odd(columns, batch.num_rows))
        if "id" in columns:
            ids = columns["id"].to_pylist()
            hashes.append(np.fromiter(map(hash, ids), np.int64, len(ids)))
    found: dict[int, list[Problem]] = {}
    for row in np.flatnonzero(np.concatenate(odd)).tolist():
        found[row] = _checked(rows, row, modalities)[1]
    again = repeated(rows, np.concatenate(hashes))
    return DataSummary(tuple(names), np.concatenate(codes), in_order(found, again))


def _decoded(column: Any) -> Any:
    import pyarrow

    return column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column


def _codes(column: Any, count: int, names: dict[str, int]) -> NDArray[np.int32]:
    if column is None:
        return np.full(count, names.setdefault("", len(names)), np.int32)
    # Arrow finds the few different names; Python sees each of them once and not once a row
    encoded = column.dictionary_encode(null_encoding="encode")
    numbers = [names.setdefault(str(value or ""), len(names)) for value in encoded.dictionary.to_pylist()]
    return np.take(np.array(numbers, dtype=np.int32), np.asarray(encoded.indices, dtype=np.int64))


def _odd(columns: dict[str, Any], count: int) -> Flags:
    """Rows that have to be looked at one by one; True where in doubt."""
    odd = np.full(count, "id" not in columns)
    for name, column in columns.items():
        odd |= _odd_values(name, column)
    return odd


def _odd_values(name: str, column: Any) -> Flags:
    from pyarrow import compute, types

    none = np.zeros(len(column), np.bool_)
    if types.is_null(column.type):
        return ~none if name == "id" else none
    if types.is_string(column.type) or types.is_large_string(column.type):
        if name in ("table", "labels"):
            return np.array([_odd_json(name, text) for text in column.to_pylist()], dtype=np.bool_)
        blank = compute.equal(compute.utf8_trim_whitespace(column), "").fill_null(name == "id")
        if name == "id":
            blank = compute.or_(blank, compute.greater(compute.utf8_length(column), LONGEST_ID).fill_null(True))
            blank = compute.or_(blank, compute.match_substring(column, "\0").fill_null(True))
        return none if name == "split" else np.asarray(blank.to_numpy(zero_copy_only=False))
    if name not in ("id", "split", "labels", *MODALITIES) or _sound(name, column.type):
        return none
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


def _odd_json(name: str, text: str | None) -> bool:
    try:
        value = None if text is None else parse_json(text)
    except ValueError:
        return True
    if not isinstance(value, dict) or not value:
        return value is not None
    kinds = set(map(type, value.values()))
    return not kinds <= {str, type(None)} if name == "labels" else dict in kinds


def _sound(name: str, kind: Any) -> bool:
    """Whether no value of this Arrow type can be wrong in a struct of ``labels`` or of a ``table``."""
    from pyarrow import types

    if name not in ("table", "labels") or not types.is_struct(kind):
        return False
    fields = [kind.field(number).type for number in range(kind.num_fields)]
    if name == "labels":
        return all(map(types.is_string, fields))
    # a property may be a list of plain values
    plain = [field.value_type if types.is_list(field) else field for field in fields]
    return not any(map(types.is_nested, plain))


def _checked(rows: Rows, row: int, modalities: Sequence[str]) -> tuple[Mapping[str, Any], list[Problem]]:
    record, found = check_row(rows, row, modalities)
    return record, [Problem(rows.place(row), name_of(record), *problem) for problem in found]


def name_of(record: Any) -> str:
    """The id of a row; empty if it has none."""
    key = record.get("id")
    return key if isinstance(key, str) else ""


def in_order(found: dict[int, list[Problem]], again: Iterable[tuple[int, Problem]]) -> tuple[Problem, ...]:
    """The problems of rows as a file has them; ids that come again are found last, and reported where they stand."""
    for row, problem in again:
        found.setdefault(row, []).append(problem)
    problems: list[Problem] = []
    for row in sorted(found):
        problems += found[row]
    return tuple(problems)


def repeated(rows: Rows, ids: ArrayLike) -> Iterator[tuple[int, Problem]]:
    """Rows whose id an earlier row has; ``ids`` is their hashes, and rows are read only where these are equal."""
    hashes = np.asarray(ids, dtype=np.int64)
    # stable: of equal ids the first row is the one that counts
    order = np.argsort(hashes, kind="stable")
    same = hashes[order[1:]] == hashes[order[:-1]]
    if not same.any():
        return
    suspects = np.unique(np.concatenate([order[1:][same], order[:-1][same]]))
    first: dict[str, int] = {}
    for row in suspects.tolist():  # equal hashes need not be equal ids
        key = check_row(rows, row, ())[0].get("id")
        if isinstance(key, str) and first.setdefault(key, row) != row:
            message = f"{key!r} already names {rows.place(first[key])}; every item needs its own"
            yield row, Problem(rows.place(row), key, "id", message)
