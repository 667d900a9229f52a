"""Finds the items of plain WebDataset tar files: which members share a key, and which modality each of them is."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from m5kit.data.importers.folder import KINDS
from m5kit.data.importers.walk import HIDDEN, UNREADABLE, LeftOut
from m5kit.data.importers.webdataset import ENDINGS
from m5kit.data.json_values import parse_json
from m5kit.data.manifest_rows import LONGEST_ID
from m5kit.data.remote.copies import bring, mirror_of, shown
from m5kit.data.several import single_if_alone
from m5kit.data.shard_set import write_whole
from m5kit.data.tars.index import Entry, TarError, scan
from m5kit.errors import DataError

IN_ROWS = {"txt": "text", "text": "text", "caption": "text", "json": "table"}
"""Members whose contents are read with the item, and the modality that they are."""

NUMBERED = re.compile(r"(^|\.)\d+\.")
"""In an ending such as ``image.0.jpg``: one of several members of a modality."""

CLASS = "cls"
"""The member that holds the class of an item."""

END = 4096
"""Bytes at the beginning and at the end of a medium that tell it from another one of its size."""


@dataclass(frozen=True, slots=True)
class TarItem:
    """The members that share a key.

    Attributes:
        id: the key, with the tar file's folder and name in front if there are several files.
        split: the folder that holds the tar file; empty directly below the root.
        members: by column, or ``json`` and ``cls``, a path that leads through the tar file, or a list of them.
    """

    id: str
    split: str
    members: Mapping[str, str | list[str]]


def find_tars(root: Path, left_out: LeftOut = lambda reason, path: None) -> list[Path]:
    """The tar files of a data folder, in order.

    Args:
        root: the folder, which may stand for a URL.
        left_out: is told a reason and a path.
    """
    mirror = mirror_of(os.path.join(root, ""))
    return _local_tars(root, left_out) if mirror is None else mirror.tars()


def _local_tars(root: Path, left_out: LeftOut) -> list[Path]:
    """Those of a folder; others that are packed, and folders that are not looked into, are told."""
    found = []
    for folder, below, names in os.walk(root, onerror=lambda error: left_out(UNREADABLE, error.filename)):
        for name in filter(lambda name: os.path.islink(os.path.join(folder, name)), below):
            left_out("links to folders", os.path.join(folder, name))
        for name in names:
            if name.endswith(".tar"):
                found.append(Path(folder, name))
            elif name.lower().endswith(ENDINGS):
                left_out("tar files that are packed, or do not end with .tar", os.path.join(folder, name))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class TarMembers:
    """What is known of a tar file once its headers were read.

    Attributes:
        names: of its members, in its order.
        content: a digest of what they hold; see :func:`content_digest`.
    """

    names: Sequence[str]
    content: str


def read_members(tar: Path, left_out: LeftOut) -> TarMembers:
    """The members of a tar file; of one behind a URL they are kept, as it is read to its end for them.

    Raises:
        DataError: it cannot be read, or is no plain tar file.
    """
    try:
        return _members(tar, left_out)
    except (TarError, OSError) as error:
        raise DataError(f"cannot read {shown(tar)}: {error}") from error


def _members(tar: Path, left_out: LeftOut) -> TarMembers:
    mirror = mirror_of(str(tar))
    if mirror is None:
        return _scanned(tar, left_out)
    kept = tar.with_name(f".{tar.name}.{mirror.version(str(tar))}.contents.json")
    if not kept.is_file():
        bring(str(tar))
        losses: list[tuple[str, str]] = []
        found = _scanned(tar, lambda reason, name: losses.append((reason, str(name))))
        write_whole(kept, json.dumps({"names": found.names, "content": found.content, "left_out": losses}))
    told = parse_json(kept.read_text(encoding="utf-8"))
    for reason, name in told["left_out"]:
        left_out(reason, name)
    return TarMembers(told["names"], told["content"])


def _scanned(tar: Path, left_out: LeftOut) -> TarMembers:
    entries = scan(tar, left_out)
    return TarMembers([name for name, *_ in entries], content_digest(tar, entries))


def content_digest(tar: Path, entries: Iterable[Entry]) -> str:
    """SHA-256 of the names and sizes of members, of texts and tables as a whole, and of the ends of everything else.

    Both ends of a medium lie beside headers that are read anyway; all of it would take hours.
    """
    digest = hashlib.sha256()
    with tar.open("rb") as file:
        for name, offset, size, _ in entries:
            digest.update(f"{len(name)}:{name}:{size}:".encode())
            whole = size <= 2 * END or name.rpartition(".")[2].lower() in (*IN_ROWS, CLASS)
            for start, length in ((0, size),) if whole else ((0, END), (size - END, END)):
                digest.update(os.pread(file.fileno(), length, offset + start))
    return digest.hexdigest()


def tar_items(
    names: Iterable[str], place: Path, columns: Sequence[str], alone: bool, left_out: LeftOut
) -> Iterator[TarItem]:
    """The items of one tar file, in its order.

    Args:
        names: of its members.
        place: where it lies below the root.
        columns: the modalities to look at.
        alone: whether it is the only one, and its name stands in front of no id.
        left_out: is told a reason and the path of a member.

    Raises:
        DataError: two members of an item are of one kind.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name in names:
        folder, base = os.path.split(name)
        stem, _, suffix = base.partition(".")
        column = _column(suffix.lower(), columns)
        if column is None or not stem or len(name) > LONGEST_ID:
            left_out(_why_not(stem, column), place / name)
            continue
        members = found.setdefault(os.path.join(folder, stem), {})
        if column in members and not NUMBERED.search(suffix):
            raise DataError(f"{place}: {name} and {members[column][0]} are both the {column} of one item")
        members.setdefault(column, []).append((place / name).as_posix())
    prefix = "" if alone else f"{place.with_suffix('').as_posix()}/"
    split = place.parts[0] if len(place.parts) > 1 else ""
    for key, members in found.items():
        yield TarItem(f"{prefix}{key}", split, {name: single_if_alone(paths) for name, paths in members.items()})


def _why_not(stem: str, column: str | None) -> str:
    if not stem:
        return HIDDEN
    return f"names of more than {LONGEST_ID:,} characters" if column else "members whose ending names no modality"


def _column(suffix: str, columns: Sequence[str]) -> str | None:
    """What a member with this ending is; None for what m5kit does not know."""
    first, _, rest = suffix.partition(".")
    if rest and first in columns:
        return first
    return CLASS if suffix == CLASS else IN_ROWS.get(suffix) or KINDS.get(f".{suffix.rpartition('.')[2]}")
