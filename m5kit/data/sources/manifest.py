"""The items that a manifest lists: one JSON object a line, or one row of a Parquet or Arrow file."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from m5kit.data.columnar import ColumnRows, plain
from m5kit.data.json_lines import JsonLines
from m5kit.data.manifest_rows import MODALITIES, SEVERAL, Rows, open_rows, raise_for
from m5kit.data.several import single_if_alone
from m5kit.data.shard_set import ANNOTATIONS, read_shard_set
from m5kit.data.sources.base import Dataset
from m5kit.data.summary import DataSummary, summarize
from m5kit.registry import DATASETS
from m5kit.structures import Sample


@DATASETS.register_module("manifest")
class ManifestItems(Dataset):
    """Items of ``annotations.jsonl``, ``.parquet`` or ``.arrow``; rows are found by offset and parsed when asked for.

    Args:
        root: folder of the manifest, or the file itself.
        columns: the keys of a row that are modalities; all others but id, split and labels are extra.
        manifest: the file's name, if it is another or if there are several.
        follow_links: whether the file may lie behind a link out of the folder; a run gives its ``data.follow_links``.

    Raises:
        DataError: the file is missing, or rows are wrong; every wrong row is named. Media files are not looked at.
    """

    def __init__(
        self,
        *,
        root: Path,
        columns: Sequence[str] = MODALITIES,
        manifest: str | None = None,
        follow_links: bool = False,
    ) -> None:
        self.rows = open_rows(root, manifest, follow_links)
        self.columns = tuple(columns)
        raise_for(self.rows.path, self._summary.problems)

    @property
    def root(self) -> Path:  # type: ignore[override]  # one that cannot be set
        """The folder of the manifest."""
        return self.rows.path.parent

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        return _sample(self.rows[index], self.columns)

    def splits(self) -> Sequence[str]:
        """As the one pass over the file found them."""
        names = np.array(self._summary.splits, dtype=np.object_)
        found: list[str] = names[self._summary.codes].tolist()
        return found

    def ids(self) -> Sequence[str]:
        """Of columns only the one that holds them is read."""
        if not isinstance(self.rows, ColumnRows):
            return [self.rows[index]["id"] for index in range(len(self))]
        found: list[str] = []
        for batch in self.rows.batches(["id"]):
            found += batch.column(0).to_pylist()
        return found

    def label_values(self, label: str) -> Sequence[str | None]:
        """In one pass; texts that are equal are kept once."""
        kept: dict[str, str] = {}
        found: list[str | None] = []
        for labels in _all_labels(self.rows):
            value = None if labels is None else labels.get(label)
            found.append(None if value is None else kept.setdefault(value, value))
        return found

    def blocks(self) -> Sequence[int]:
        """The items of each shard, where the folder holds shards."""
        shards = read_shard_set(self.root)
        if shards is None or self.rows.path.name != ANNOTATIONS or shards.items != len(self):
            return super().blocks()
        return [shard.items for shard in shards.shards]

    def fingerprint(self) -> Mapping[str, Any]:
        """Name, SHA-256 and number of items of the file."""
        with self.rows.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"manifest": self.rows.path.name, "sha256": digest, "items": len(self)}

    def __str__(self) -> str:
        return str(self.rows.path)

    def __getstate__(self) -> dict[str, Any]:
        # A worker of a loader needs the rows alone; the summary has a number for each of millions of items.
        state = dict(self.__dict__)
        state.pop("_summary", None)
        return state

    @cached_property
    def _summary(self) -> DataSummary:
        return summarize(self.rows, self.columns)

    @classmethod
    def example(cls, folder: Path) -> "ManifestItems":
        """Three items."""
        rows = (
            {"id": "a", "split": "train", "text": "a red mug", "labels": {"coarse": "mug"}},
            {"id": "b", "split": "train", "image": "b.jpg", "text": None},
            {"id": "c", "split": "test", "text": "杯子"},
        )
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / "annotations.jsonl").write_text(f"{text}\n", encoding="utf-8")
        return cls(root=folder)


def _all_labels(rows: Rows) -> Iterator[Mapping[str, str | None] | None]:
    """The labels of every row; of columns only the one that holds them is read."""
    if isinstance(rows, ColumnRows):
        if "labels" not in rows.columns:
            yield from repeat(None, len(rows))
            return
        for batch in rows.batches(["labels"]):
            yield from (plain("labels", value) for value in batch.column(0).to_pylist())
        return
    quick = rows.quick_pass() if isinstance(rows, JsonLines) else repeat(None)
    for index, record in zip(range(len(rows)), quick, strict=False):
        yield (rows[index] if record is None else record).get("labels")


def _sample(record: Mapping[str, Any], columns: Sequence[str]) -> Sample:
    known = {"id", "split", "labels", *columns}
    return Sample(
        id=record["id"],
        sources={name: _value(name, record[name]) for name in columns if record.get(name) is not None},
        labels=_present(record.get("labels") or {}),
        split=record.get("split") or "",
        extra={key: value for key, value in record.items() if key not in known},
    )


def _value(name: str, value: Any) -> Any:
    """A value as it stands; a list of one, as columns of lists have it, is that one."""
    return single_if_alone(value) if isinstance(value, list) and name in SEVERAL else _present(value)


def _present(value: Any) -> Any:
    """Properties without a value are properties that the item does not have."""
    return {key: part for key, part in value.items() if part is not None} if isinstance(value, Mapping) else value
