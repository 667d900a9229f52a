"""Counts what an import took, took in another form and left out, and lists what it could not find."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

log = logging.getLogger("m5kit")

MISSING = "missing.tsv"
LONGEST_EXAMPLE = 100
"""Characters of an example."""


@dataclass
class ImportReport:
    """What became of the rows of a source.

    Attributes:
        path: the manifest.
        rows: how many were read.
        items: how many the manifest holds.
        splits: items by split.
        presence: by modality, how many items have it.
        missing: by modality, how many files the source names that are not there.
        passed_over: by reason, how many rows became no item.
        changed: by what was done, how many values are not written as the source has them.
        left_out: by reason, how many values, files or columns became part of no item.
        noticed: by what is odd, how many values were taken all the same.
        examples: the first of each of these counts.
        filled: the columns of properties, labels and further columns that have a value in any row.
        warnings: sentences about what is probably wrong.
        notes: sentences for people.
    """

    path: Path
    rows: int = 0
    items: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    presence: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, item: dict[str, Any], modalities: tuple[str, ...]) -> None:
        """Count one item that was written."""
        self.items += 1
        self.splits[item.get("split") or ""] += 1
        self.presence.update(modality for modality in modalities if item.get(modality) is not None)

    def pass_over(self, reason: str, example: object) -> None:
        """Count a row that became no item."""
        self._count(self.passed_over, reason, example)

    def change(self, what: str, example: object) -> None:
        """Count a value that is not written as the source has it."""
        self._count(self.changed, what, example)

    def leave_out(self, reason: str, example: object) -> None:
        """Count something that became part of no item."""
        self._count(self.left_out, reason, example)

    def notice(self, what: str, example: object) -> None:
        """Count something odd that was taken as it is."""
        self._count(self.noticed, what, example)

    def check_presence(self, asked: Sequence[str]) -> None:
        """Warn of modalities that were asked for and that no item has."""
        for modality in asked:
            if self.presence[modality]:
                continue
            why = f"; {self.missing[modality]} files were not found" if self.missing[modality] else ""
            example = f", such as {self.examples[modality]}" if modality in self.examples else ""
            self.warnings.append(f"no item has the modality {modality}{why}{example}")

    def losses(self) -> str:
        """What was left out, passed over and not found, for a message that nothing was taken; empty if nothing was."""
        found = []
        for counts in (self.left_out, self.passed_over, {f"{what}: not found": n for what, n in self.missing.items()}):
            for reason, count in counts.items():
                example = self.examples.get(reason.removesuffix(": not found"))
                found.append(f"{reason}: {count}" + (f" (such as {example})" if example else ""))
        return f"; left out were {', '.join(found)}" if found else ""

    def _count(self, counts: Counter[str], what: str, example: object) -> None:
        counts[what] += 1
        if what not in self.examples:
            self.examples[what] = shown(example)


def warn_of_losses(report: ImportReport, place: object) -> None:
    """Log what was left out of a folder that is read without an import, each reason with an example."""
    for reason, count in report.left_out.items():
        log.warning("%s: left out: %d %s, such as %s", place, count, reason, report.examples[reason])


def shown(value: object) -> str:
    """A value in one short line."""
    line = " ".join(str(value).split())
    return line if len(line) <= LONGEST_EXAMPLE else f"{line[:LONGEST_EXAMPLE]}..."


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
        self.report.examples.setdefault(what, shown(place))
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        # A line break or a tab inside an id would make two lines, or four columns, of this one.
        cells = [" ".join(str(cell).split()) for cell in (what, name, place)]
        self._file.write("\t".join(cells) + "\n")

    def __enter__(self) -> "MissingList":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
