"""Writes a manifest row by row, in memory that does not grow."""

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, TypeAlias

from m5kit.data.aside import naming
from m5kit.data.importers.walk import LOCK
from m5kit.data.manifest_rows import MODALITIES, NAMES
from m5kit.data.several import each_value
from m5kit.errors import DataError

log = logging.getLogger("m5kit")

Format: TypeAlias = Literal["jsonl", "arrow", "parquet"]
BATCH = 4096
"""Rows written together; groups this small are read at random quickly."""


class ManifestWriter:
    """Writes ``annotations.FORMAT`` into a folder; the file appears under its name when all went well.

    After an error, whatever was put into a folder that was empty or not there is removed with it.

    Args:
        folder: made if need be; a folder that has a manifest is refused.
        format: ``jsonl`` can be read by people, ``arrow`` is opened in seconds however many rows it has.
        modalities: the columns besides id, split and labels.
        extra: columns for other programs.
        several: modalities of which a row may have several values; in ``arrow`` and ``parquet``, columns of lists.

    Raises:
        DataError: the folder already has a manifest, or another import writes one.
    """

    def __init__(
        self,
        folder: Path,
        format: Format = "jsonl",  # noqa: A002
        modalities: Sequence[str] = MODALITIES,
        extra: Sequence[str] = (),
        several: Sequence[str] = (),
    ) -> None:
        self._made = _first_absent(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(folder / LOCK)
        _remove_parts(folder)
        self._was_empty = all(path.name == LOCK for path in folder.iterdir())
        there = [name for name in NAMES if (folder / name).exists()]
        if there:
            _release(self._lock)
            raise DataError(f"{folder} already holds {there[0]}; name another folder, or remove it first")
        self.path = folder / f"annotations.{format}"
        names = ("id", "split", *modalities, "labels", *extra)
        self._part = folder / f".annotations.{format}.part"
        self._rows: list[Mapping[str, Any]] = []
        if format == "jsonl":
            self._write, self._close = _lines(self._part, names)
        else:
            self._write, self._close = _columns(self._part, format, names, several)

    def add(self, row: Mapping[str, Any]) -> None:
        """Append one row; what is no modality, id, split, labels or named column is not kept."""
        self._rows.append(row)
        if len(self._rows) == BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            with naming(self.path):
                self._write(self._rows)
        self._rows = []

    def __enter__(self) -> "ManifestWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._flush()
            with naming(self.path):
                self._close()
            if error is None:
                # in one step: nobody can read a manifest that is half written
                os.replace(self._part, self.path)
        finally:
            if self._part.exists():  # there was an error, or the disk is full
                self._part.unlink()
                self._undo()
            _release(self._lock)

    def _undo(self) -> None:
        if self._was_empty:
            for path in self.path.parent.iterdir():
                if path.name != LOCK:
                    _remove(path)
        if self._made is not None:
            _remove(self._made)


def _remove_parts(folder: Path) -> None:
    """Remove what an import that was killed was writing; its media are written anew, or found as they are."""
    left = sorted(folder.glob(".annotations.*.part"))
    for part in left:
        part.unlink()
    if left:
        log.warning("an import into %s was stopped before its end: this one begins anew", folder)


def _first_absent(folder: Path) -> Path | None:
    """The uppermost folder that will be made for ``folder``; None if it is there."""
    absent = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    return absent[-1] if absent else None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _lock(path: Path) -> IO[str]:
    """The file of a lock that ends with the process, however that ends: two imports would write over each other.

    Raises:
        DataError: another process holds it.
    """
    file = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise DataError(
            f"another import writes into {path.parent}; wait until it ends, or name another folder"
        ) from None
    return file


def _release(lock: IO[str]) -> None:
    Path(lock.name).unlink(missing_ok=True)
    lock.close()


Writing: TypeAlias = tuple[Callable[[Sequence[Mapping[str, Any]]], None], Callable[[], None]]


def _lines(part: Path, names: Sequence[str]) -> Writing:
    # Half a character has no UTF-8; its escape is JSON, which readers know how to take.
    file = part.open("w", encoding="utf-8", errors="backslashreplace")

    def write(rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            # every key in every row and in one order, so that files can be compared line by line
            line = dict(zip(names, map(row.get, names), strict=True))
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    return write, file.close


def _columns(part: Path, format: Format, names: Sequence[str], several: Sequence[str]) -> Writing:  # noqa: A002
    import pyarrow as pa
    import pyarrow.parquet

    texts = pa.string()
    schema = pa.schema([(name, pa.list_(texts) if name in several else texts) for name in names])
    writer = (pa.ipc.new_file if format == "arrow" else pyarrow.parquet.ParquetWriter)(str(part), schema)

    def write(rows: Sequence[Mapping[str, Any]]) -> None:
        cells = [_cells(row, schema.names, several) for row in rows]
        writer.write_batch(pa.RecordBatch.from_pylist(cells, schema))

    return write, writer.close


def _cells(row: Mapping[str, Any], names: Sequence[str], several: Sequence[str]) -> dict[str, Any]:
    """Tables and labels as JSON texts (a table may hold any mixture of types), several values as lists."""
    cells: dict[str, Any] = {}
    for name in names:
        value = row.get(name)
        if name in several and value is not None:
            cells[name] = [_text(each) for each in each_value(value)]
        else:
            cells[name] = None if value is None else _text(value)
    return cells


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()
