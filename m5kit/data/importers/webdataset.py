"""Rows of WebDataset shards: tar files in which the members of an item follow each other and share a key."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from m5kit.data.importers.columns import Blob, Row
from m5kit.errors import DataError

TEXTS = ("txt", "text", "cls", "caption")


def read_rows(source: Path) -> Iterator[Row]:
    """One row an item, read as a stream; ``source`` is a tar file or a folder of them.

    Its columns: ``__key__``; each suffix (``jpg``, ``txt``, ``seg.png``); and the entries of a member ``json``.

    Raises:
        DataError: no tar file, or a damaged one.
    """
    shards = sorted(path for path in source.rglob("*.tar*") if path.is_file()) if source.is_dir() else [source]
    if not shards:
        raise DataError(f"there is no .tar file in {source}")
    for shard in shards:
        try:
            yield from _items(shard)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DataError(f"cannot read {shard} as a tar file: {error}") from error


def _items(shard: Path) -> Iterator[Row]:
    row: dict[str, Any] = {}
    with tarfile.open(shard, "r|*") as tar:
        for member in tar:
            if not member.isfile():
                continue
            folder, slash, name = member.name.rpartition("/")
            stem, _, suffix = name.partition(".")
            key = f"{folder}{slash}{stem}"
            if row and row["__key__"] != key:
                yield row
                row = {}
            row.setdefault("__key__", key)
            file = tar.extractfile(member)
            row |= _columns(suffix.lower(), file.read() if file else b"", member.name)
    if row:
        yield row


def _columns(suffix: str, data: bytes, name: str) -> dict[str, Any]:
    if suffix in TEXTS:
        return {suffix: data.decode("utf-8", errors="replace")}
    if suffix != "json":
        return {suffix: Blob(data, f".{suffix}")}
    try:
        value = json.loads(data)
    except ValueError as error:
        raise DataError(f"{name} in the tar file is no JSON: {error}") from error
    return {"json": value, **value} if isinstance(value, dict) else {"json": value}
