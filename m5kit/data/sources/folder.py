"""The files of a folder whose sub-folders are classes, read where they lie, without a manifest."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from m5kit.data.importers.folder import FolderItem, find_items, read_source
from m5kit.data.importers.report import ImportReport, warn_of_losses
from m5kit.data.manifest_rows import MODALITIES
from m5kit.data.several import each_value, single_if_alone
from m5kit.data.sources.base import Dataset
from m5kit.errors import DataError
from m5kit.registry import DATASETS
from m5kit.structures import Sample


@DATASETS.register_module("folder")
class FolderItems(Dataset):
    """``CLASS/NAME.jpg`` or ``SPLIT/CLASS/NAME.jpg``; files that differ in their ending only are one item.

    The ending tells the modality (pictures, videos, sounds, ``.txt`` a text, ``.json`` a table), the folder's name the
    label. Names are found once, at the start; texts and tables are read when an item is.

    Args:
        root: the folder.
        columns: the modalities to look at.
        split: that of items in a folder without splits.
        label: what the label is called.
        several: modalities of which an item may have several files, ``NAME.0.jpg`` and ``NAME.1.jpg``.
        follow_links: whether links may lead out of the folder; a run gives its ``data.follow_links``.

    Raises:
        DataError: there is no such folder, no file in it, two files of one kind for one item, or deeper folders.
    """

    def __init__(
        self,
        *,
        root: Path,
        columns: Sequence[str] = MODALITIES,
        split: str = "train",
        label: str = "class",
        several: Sequence[str] = (),
        follow_links: bool = False,
    ) -> None:
        self.root = root
        self.columns, self.split, self.label = tuple(columns), split, label
        self.follow_links = follow_links
        report = ImportReport(root)
        self.items: list[FolderItem] = list(find_items(root, follow_links, report.leave_out, several))
        warn_of_losses(report, root)
        if not self.items:
            raise DataError(f"{root} holds no file in CLASS/ or SPLIT/CLASS/ of a kind that m5kit knows by its ending")

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Sample:
        item = self.items[index]
        sources = {}
        for modality, name in item.files.items():
            if modality in ("text", "table") and modality in self.columns:
                read = partial(read_source, self.root, is_json=modality == "table", follow_links=self.follow_links)
                sources[modality] = single_if_alone([read(each) for each in each_value(name)])
            elif modality in self.columns:
                sources[modality] = name
        return Sample(item.id, sources, {self.label: item.category}, item.split or self.split)

    def splits(self) -> Sequence[str]:
        """From the names of folders."""
        return [item.split or self.split for item in self.items]

    def ids(self) -> Sequence[str]:
        """From the names of files."""
        return [item.id for item in self.items]

    def fingerprint(self) -> Mapping[str, Any]:
        """SHA-256 of the names and sizes of all files; contents are not read."""
        names: list[str] = []
        for item in self.items:
            for name in item.files.values():
                names += each_value(name)
        names.sort()
        # sizes and not contents: a folder of videos would take hours to read
        sizes = json.dumps([(name, (self.root / name).stat().st_size) for name in names])
        return {"folder": self.root.name, "sha256": hashlib.sha256(sizes.encode()).hexdigest(), "items": len(self)}

    @classmethod
    def example(cls, folder: Path) -> "FolderItems":
        """Three items of two classes."""
        files = {"train/mug/1.txt": "a red mug", "train/bowl/2.txt": "a bowl", "train/bowl/2.json": '{"size": 3}'}
        for name, text in (files | {"test/mug/3.txt": "杯子"}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return cls(root=folder)
