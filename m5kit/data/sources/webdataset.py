"""The members of plain WebDataset tar files, read where they lie, in any order."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m5kit.data.files import require_inside
from m5kit.data.importers.folder import KINDS, read_source
from m5kit.data.json_values import parse_json
from m5kit.data.manifest_rows import MODALITIES, NAMES
from m5kit.data.remote.copies import bring, mirror_of, shown
from m5kit.data.several import each_value, single_if_alone
from m5kit.data.shard_set import write_whole
from m5kit.data.sources.base import Dataset
from m5kit.data.tars.index import TarError, scan
from m5kit.errors import DataError
from m5kit.registry import DATASETS
from m5kit.structures import Sample

IN_ROWS = {"txt": "text", "text": "text", "caption": "text", "json": "table"}
"""Members whose contents are read with the item, and the modality that they are."""

NUMBERED = re.compile(r"(^|\.)\d+\.")
"""In an ending such as ``image.0.jpg``: one of several members of a modality."""

CLASS = "cls"
"""The member that holds the class of an item."""


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


@DATASETS.register_module("webdataset")
class WebDatasetItems(Dataset):
    """Members ``KEY.jpg``, ``KEY.txt``, ``KEY.json``, ``KEY.cls`` or ``KEY.MODALITY.EXT`` of uncompressed tar files.

    Members of one key are an item: the ending tells the modality, ``.txt`` is a text, ``.json`` a table, ``.cls`` the
    label. Several of one modality are numbered, as ``KEY.0.jpg`` or ``KEY.image.0.jpg``. A ``.json`` with ``labels``,
    ``text`` or ``table`` in it, such as m5kit writes, is a row instead. The headers
    are read once, at the start; texts and tables are read when an item is.

    Args:
        root: a folder with tar files, or with folders of them that are splits.
        columns: the modalities to look at.
        split: that of items in tar files directly below ``root``.
        label: what the label of ``.cls`` is called.
        follow_links: whether links may lead out of the folder; a run gives its ``data.follow_links``.

    Raises:
        DataError: there is no tar file, one is compressed or damaged, or two members of an item are of one kind.
    """

    def __init__(
        self,
        *,
        root: Path,
        columns: Sequence[str] = MODALITIES,
        split: str = "train",
        label: str = "class",
        follow_links: bool = False,
    ) -> None:
        self.root = root
        self.columns, self.split, self.label = tuple(columns), split, label
        self.follow_links = follow_links
        self.items: list[TarItem] = []
        self.sizes: list[int] = []
        tars = _tars(root)
        for tar in tars:
            require_inside(tar, self.root, follow_links)
            found = list(_items(tar, tar.relative_to(self.root), self.columns, alone=len(tars) == 1))
            self.items += found
            self.sizes.append(len(found))
        if not self.items:
            raise DataError(f"{shown(root)} holds no tar file with members KEY.EXT of a kind that m5kit knows")

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Sample:
        item = self.items[index]
        sources: dict[str, Any] = {}
        labels: dict[str, str] = {}
        for column, member in item.members.items():
            if column == CLASS:
                labels[self.label] = str(self._read(each_value(member)[0])).strip()
            elif column in ("text", "table"):
                value = single_if_alone([self._read(each) for each in each_value(member)])
                row = value if column == "table" and _is_row(value) else {column: value}
                labels |= {name: text for name, text in (row.get("labels") or {}).items() if text is not None}
                sources |= {name: row[name] for name in self.columns if row.get(name) is not None}
            elif column in self.columns:
                sources[column] = member
        return Sample(item.id, sources, labels, item.split or self.split)

    def splits(self) -> Sequence[str]:
        """From the names of folders."""
        return [item.split or self.split for item in self.items]

    def ids(self) -> Sequence[str]:
        """From the names of members."""
        return [item.id for item in self.items]

    def blocks(self) -> Sequence[int]:
        """The items of each tar file."""
        return self.sizes

    def fingerprint(self) -> Mapping[str, Any]:
        """SHA-256 of the names of all members; contents are not read."""
        names = json.dumps([_all_members(item) for item in self.items])
        return {"folder": self.root.name, "sha256": hashlib.sha256(names.encode()).hexdigest(), "items": len(self)}

    def _read(self, member: str) -> Any:
        return read_source(self.root, member, member.endswith(".json"), self.follow_links)

    @classmethod
    def example(cls, folder: Path) -> "WebDatasetItems":
        """Three items of two splits."""
        import io
        import tarfile

        members = {"train": {"1.txt": "a mug", "1.cls": "mug", "2.json": '{"size": 3}'}, "test": {"3.txt": "杯子"}}
        for split, contents in members.items():
            (folder / split).mkdir(parents=True, exist_ok=True)
            with tarfile.open(folder / split / "0.tar", "w") as tar:
                for name, text in contents.items():
                    info, content = tarfile.TarInfo(name), text.encode()
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
        return cls(root=folder)


def default_source(root: Path) -> dict[str, str]:
    """What reads a data folder unless the config says it: tar files without a manifest are WebDataset's."""
    described = any((root / name).is_file() for name in NAMES)
    elsewhere = mirror_of(os.path.join(root, "")) is not None
    packed = any(root.glob("*.tar")) or any(root.glob("*/*.tar")) or (elsewhere and not described and _tars(root))
    return {"type": "webdataset" if packed and not described else "manifest"}


def _tars(root: Path) -> list[Path]:
    mirror = mirror_of(os.path.join(root, ""))
    return sorted(root.rglob("*.tar")) if mirror is None else mirror.tars()


def _member_names(tar: Path) -> list[str]:
    """The members of a tar file; of one behind a URL they are kept, as it must be read to its end to know them.

    Raises:
        TarError: it is no plain tar file.
        OSError: it cannot be read.
    """
    mirror = mirror_of(str(tar))
    if mirror is None:
        return [name for name, *_ in scan(tar)]
    kept = tar.with_name(f".{tar.name}.{mirror.version(str(tar))}.json")
    if not kept.is_file():
        bring(str(tar))
        write_whole(kept, json.dumps([name for name, *_ in scan(tar)]))
    names: list[str] = parse_json(kept.read_text(encoding="utf-8"))
    return names


def _items(tar: Path, place: Path, columns: Sequence[str], alone: bool) -> Iterator[TarItem]:
    """The items of one tar file, in its order.

    Raises:
        DataError: it cannot be read, or two members of an item are of one kind.
    """
    found: dict[str, dict[str, list[str]]] = {}
    try:
        names = _member_names(tar)
    except (TarError, OSError) as error:
        raise DataError(f"cannot read {shown(tar)}: {error}") from error
    for name in names:
        folder, base = os.path.split(name)
        stem, _, suffix = base.partition(".")
        column = _column(suffix.lower(), columns)
        if column is None or not stem:
            continue
        members = found.setdefault(os.path.join(folder, stem), {})
        if column in members and not NUMBERED.search(suffix):
            raise DataError(f"{shown(tar)}: {name} and {members[column][0]} are both the {column} of one item")
        members.setdefault(column, []).append((place / name).as_posix())
    prefix = "" if alone else f"{place.with_suffix('').as_posix()}/"
    split = place.parts[0] if len(place.parts) > 1 else ""
    for key, members in found.items():
        yield TarItem(f"{prefix}{key}", split, {name: single_if_alone(paths) for name, paths in members.items()})


def _all_members(item: TarItem) -> list[str]:
    names: list[str] = []
    for members in item.members.values():
        names += each_value(members)
    return sorted(names)


def _column(suffix: str, columns: Sequence[str]) -> str | None:
    """What a member with this ending is; None for what m5kit does not know."""
    first, _, rest = suffix.partition(".")
    if rest and first in columns:
        return first
    return CLASS if suffix == CLASS else IN_ROWS.get(suffix) or KINDS.get(f".{suffix.rpartition('.')[2]}")


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping) and any(key in value for key in ("labels", "text", "table"))
