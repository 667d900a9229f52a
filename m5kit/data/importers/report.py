"""Counts what an import made, and lists what it could not find."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

MISSING = "missing.tsv"


@dataclass
class ImportReport:
    """What became of the rows of a source.

    Attributes:
        path: the manifest.
        items: how many it holds.
        splits: items by split.
        presence: by modality, how many items have it.
        missing: by modality, how many files the source names that are not there.
        passed_over: by reason, how many rows became no item.
        notes: sentences for people.
    """

    path: Path
    items: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    presence: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def count(self, item: dict[str, Any], modalities: tuple[str, ...]) -> None:
        """Count one item that was written."""
        self.items += 1
        self.splits[item.get("split") or ""] += 1
        self.presence.update(modality for modality in modalities if item.get(modality) is not None)


class MissingList:
    """``missing.tsv`` beside the manifest: what, whose, where; made when the first line comes."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        self.path = report.path.parent / MISSING
        self.path.unlink(missing_ok=True)
        self._file: Any = None

    def add(self, what: str, name: str, place: object) -> None:
        """Count and write one line."""
        self.report.missing[what] += 1
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        self._file.write(f"{what}\t{name}\t{place}\n")

    def __enter__(self) -> "MissingList":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
