"""Rows of WebDataset shards: tar files in which the members of an item follow each other and share a key."""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from m5kit.data.importers.embedded import safe_suffix
from m5kit.data.importers.reading import PLACE, Blob, Reading, Row
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.shards import BZIP2, GZIP, PACKED, XZ, ZSTD, find_shards, packed_as
from m5kit.data.importers.tables import NO_JSON, read_json
from m5kit.data.json_values import whole_text
from m5kit.data.marked_text import decode_text
from m5kit.data.tars.index import NO_FILES
from m5kit.data.tars.strict import StrictMember, members_to_the_end
from m5kit.errors import DataError

TEXTS = ("txt", "text", "cls", "caption")
ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tar.zstd")

LARGEST = 2**30
"""Bytes of a member; no decoder reads a larger file, and all of it would have to be in memory."""


def _zstd(path: Path) -> Any:
    import pyarrow  # Python's own library reads zstd from 3.14 on

    return pyarrow.input_stream(str(path), compression="zstd")


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row an item, read as a stream; ``source`` is a tar file or a folder of them.

    Its columns: ``__key__``; each suffix (``jpg``, ``txt``, ``seg.png``); and the entries of a member ``json``.

    Raises:
        DataError: no tar file, or one that is damaged or cut short.
    """
    shards = [source]
    if source.is_dir():
        shards = find_shards(source, ENDINGS, reading)
    if not shards:
        raise DataError(f"there is no .tar file in {source}")
    for shard in shards:
        try:
            yield from _items(shard, reading.report)
        except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
            packed = packed_as(shard)
            hint = f"; it is {packed}" if packed else ""
            raise DataError(f"cannot read {shard} as a tar file: {error}{hint}") from error


def _items(shard: Path, report: ImportReport) -> Iterator[Row]:
    row: dict[str, Any] = {}
    with _open(shard) as tar:
        for member in members_to_the_end(tar):
            # tarfile gives bytes of a name that are not UTF-8 as lone surrogates.
            whole = whole_text(member.name)
            if whole != member.name:
                report.change("names of members that are not UTF-8", whole)
            folder, slash, name = whole.rpartition("/")
            if not _is_wanted(member, name, report):
                continue
            stem, _, suffix = name.partition(".")
            key = f"{folder}{slash}{stem}"
            if row and row["__key__"] != key:
                yield row
                row = {}
            row |= {"__key__": key, PLACE: str(shard)}
            file = tar.extractfile(member)
            for column, value in _columns(suffix.lower(), file.read() if file else b"", member.name, report).items():
                if column in row:
                    report.leave_out("members of a name that the item already has", member.name)
                else:
                    row[column] = value
        if row:
            yield row


UNPACKED: Mapping[str, Callable[[Path], Any]] = {
    PACKED[GZIP]: gzip.open,
    PACKED[BZIP2]: bz2.open,
    PACKED[XZ]: lzma.open,
    PACKED[ZSTD]: _zstd,
}
"""What opens a packed archive. Not tarfile itself: it leaves the checksum at the end of a file unread."""


@contextmanager
def _open(shard: Path) -> Iterator[tarfile.TarFile]:
    packed = UNPACKED.get(packed_as(shard) or "")
    file: Any = shard.open("rb") if packed is None else packed(shard)
    with file, tarfile.open(fileobj=file, mode="r|", tarinfo=StrictMember) as tar:
        yield tar


def _is_wanted(member: tarfile.TarInfo, name: str, report: ImportReport) -> bool:
    if member.isdir():
        return False
    reason = None
    if not member.isfile():
        reason = NO_FILES
    elif name.startswith("."):  # ._1.jpg of macOS
        reason = "hidden members"
    elif "." not in name:
        reason = "members without a suffix"
    elif not member.size:
        reason = "members of 0 bytes"
    elif member.size > LARGEST:
        reason = f"members of more than {LARGEST:,} bytes"
    if reason is not None:
        report.leave_out(reason, member.name)
    return reason is None


def _columns(suffix: str, data: bytes, name: str, report: ImportReport) -> dict[str, Any]:
    if suffix in TEXTS:
        text, whole = decode_text(data)
        if not whole:
            report.change("bytes of texts that are not UTF-8 became \ufffd", name)
        return {suffix: text}
    if suffix != "json":
        return {suffix: Blob(data, safe_suffix(f".{suffix}"))}
    try:
        value = read_json(data, "json", name, report)
    except ValueError as error:
        report.leave_out(f"json: {NO_JSON}", f"{name}: {error}")
        return {"json": None}
    return {"json": value, **value} if isinstance(value, dict) else {"json": value}
