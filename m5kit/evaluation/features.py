"""Reads and writes the columns of a features file."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import DataError

_T = TypeVar("_T")
ALWAYS_UNPACKED, LARGEST_RATIO = 2**30, 20
"""Bytes that any file may unpack to, and how many times its own size a larger one may: numbers hardly shrink."""

Columns = Mapping[str, NDArray[Any]]
"""Arrays of equal length by name: strings ``b``, or vectors ``b d``."""


def read_columns(path: Path) -> Columns:
    """The columns of a ``.npz`` or ``.parquet`` file.

    Raises:
        DataError: there is no such file, it is of another kind, or damaged.
    """
    if not path.is_file():
        raise DataError(f"there is no features file {path}; m5kit embed writes one")
    read = _of_kind(path, {".npz": _read_npz, ".parquet": _read_parquet})
    try:
        return read(path)
    except DataError:
        raise
    except Exception as error:  # zipfile, numpy and Arrow raise nearly anything for a damaged file
        raise DataError(
            f"cannot read {path}: {type(error).__name__}: {error}; m5kit embed writes such a file"
        ) from error


def write_columns(path: Path, columns: Columns) -> None:
    """Write a ``.npz`` or ``.parquet`` file; its folder is created if necessary."""
    write = _of_kind(path, {".npz": _write_npz, ".parquet": _write_parquet})
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, columns)


def _of_kind(path: Path, by_suffix: Mapping[str, Callable[..., _T]]) -> Callable[..., _T]:
    """The function for the file's suffix."""
    if path.suffix not in by_suffix:
        raise DataError(f"a features file ends in {' or '.join(by_suffix)}, but this one is {path.name!r}; rename it")
    return by_suffix[path.suffix]


def _read_npz(path: Path) -> Columns:
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(member.file_size for member in packed.infolist())
    if unpacked > max(ALWAYS_UNPACKED, LARGEST_RATIO * path.stat().st_size):
        raise DataError(f"{path} would take {unpacked:,} bytes unpacked; no features file of this size does")
    with np.load(path, allow_pickle=False) as file:  # a pickle from elsewhere could run code
        return {name: file[name] for name in file.files}


def _write_npz(path: Path, columns: Columns) -> None:
    np.savez(path, **columns)  # type: ignore[arg-type]  # a column is never called allow_pickle


def _read_parquet(path: Path) -> Columns:
    from pyarrow import parquet, types

    def read(column: Any) -> NDArray[Any]:
        if types.is_list(column.type) or types.is_large_list(column.type) or types.is_fixed_size_list(column.type):
            return _vectors(path, column.to_pylist(), column.type.value_type.to_pandas_dtype())
        texts = ["" if value is None or value != value else str(value) for value in column.to_pylist()]  # NaN: no label
        return np.array(texts, dtype=np.str_)

    file = parquet.read_table(path)
    columns = {}
    for name, column in zip(file.column_names, file.columns, strict=True):
        columns[name] = read(column)
    return columns


def _vectors(path: Path, rows: list[list[float] | None], number: type[np.generic]) -> NDArray[Any]:
    """The rows as one array of a type of numbers; a missing row counts as one of width 0."""
    widths = sorted({len(row or ()) for row in rows})
    if len(widths) > 1:
        raise DataError(f"the vectors of {path} have widths {widths}; every item needs a vector of one width")
    return np.array(rows, dtype=number).reshape(len(rows), widths[0] if widths else 0)


def _write_parquet(path: Path, columns: Columns) -> None:
    import pyarrow
    from pyarrow import parquet

    arrays = {name: _arrow(values) for name, values in columns.items()}
    parquet.write_table(pyarrow.table(arrays), path)


def _arrow(values: NDArray[Any]) -> Any:
    """A column in Arrow's form: texts, or lists of numbers without a copy of each."""
    import pyarrow

    if values.ndim == 1:
        # half of a surrogate pair has no UTF-8; what reads the file must still tell such names apart
        texts = [text.encode("utf-8", "backslashreplace").decode() for text in values.tolist()]
        return pyarrow.array(texts, pyarrow.string())
    # a list column is one flat array and the start of each row in it, which 32 bits may be too few to count
    offsets = np.arange(len(values) + 1, dtype=np.int64) * values.shape[1]
    if values.size < 2**31:
        return pyarrow.ListArray.from_arrays(pyarrow.array(offsets, pyarrow.int32()), pyarrow.array(values.ravel()))
    return pyarrow.LargeListArray.from_arrays(pyarrow.array(offsets), pyarrow.array(values.ravel()))
