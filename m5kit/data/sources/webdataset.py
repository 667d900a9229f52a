"""The members of plain WebDataset tar files, read where they lie, in any order."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from m5kit.data.files import require_inside
from m5kit.data.importers.folder import read_source
from m5kit.data.importers.report import ImportReport, warn_of_losses
from m5kit.data.manifest_rows import MODALITIES, NAMES
from m5kit.data.remote.copies import mirror_of, shown
from m5kit.data.several import each_value, single_if_alone
from m5kit.data.sources.base import Dataset
from m5kit.data.sources.tar_items import CLASS, TarItem, find_tars, read_members, tar_items
from m5kit.errors import DataError, DecodeError
from m5kit.registry import DATASETS
from m5kit.structures import Sample

log = logging.getLogger("m5kit")


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
        DataError: there is no tar file; one is compressed, damaged, cut short or joined of several; or two members of
            an item are of one kind. What is left out is logged.
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
        self._told = False
        self.items: list[TarItem] = []
        self.sizes: list[int] = []
        report = ImportReport(root)
        tars, content = find_tars(root, report.leave_out), hashlib.sha256()
        for tar in tars:
            require_inside(tar, self.root, follow_links)
            place, members = tar.relative_to(self.root), read_members(tar, report.leave_out)
            content.update(f"{place.as_posix()}:{members.content}\n".encode())
            found = list(tar_items(members.names, place, self.columns, len(tars) == 1, report.leave_out))
            self.items += found
            self.sizes.append(len(found))
        self._content = content.hexdigest()
        warn_of_losses(report, shown(root))
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
                labels |= self._class(each_value(member)[0], item.id)
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
        """SHA-256 of the names of all members, and one of their sizes, texts, tables, and the ends of media."""
        names = hashlib.sha256(json.dumps([_all_members(item) for item in self.items]).encode()).hexdigest()
        return {"folder": self.root.name, "sha256": names, "content": self._content, "items": len(self)}

    def _class(self, member: str, item: str) -> dict[str, str]:
        """The label that a member holds; what cannot be read, or says nothing, is no class of its own."""
        name = self._read(member)
        if isinstance(name, str) and name.strip():
            return {self.label: name.strip()}
        if not self._told:
            why = name if isinstance(name, DecodeError) else "it is blank"
            log.warning("item %s has no %s (%s); others that have none are not named", item, self.label, why)
            self._told = True
        return {}

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
    packed = any(root.glob("*.tar")) or any(root.glob("*/*.tar")) or (elsewhere and not described and find_tars(root))
    return {"type": "webdataset" if packed and not described else "manifest"}


def _all_members(item: TarItem) -> list[str]:
    names: list[str] = []
    for members in item.members.values():
        names += each_value(members)
    return sorted(names)


def _is_row(value: Any) -> bool:
    """Whether a table is a row as m5kit writes it, and not one that has a property of such a name."""
    if not isinstance(value, Mapping) or not any(key in value for key in ("labels", "text", "table")):
        return False
    labels, text, table = (value.get(key) for key in ("labels", "text", "table"))
    names = labels.values() if isinstance(labels, Mapping) else ()
    return (
        isinstance(labels, Mapping | None)
        and all(isinstance(name, str | None) for name in names)
        and isinstance(text, str | list | None)
        and isinstance(table, Mapping | None)
    )
