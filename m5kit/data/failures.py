"""Counts what could not be decoded, lists it in the run folder, and stops a run that loses too much."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from m5kit.data.files import open_own
from m5kit.errors import DataError
from m5kit.structures import Batch, Failure


class FailureLog:
    """Failures of a run by modality.

    Args:
        path: a JSON line for each failure is appended here, once however often the item is drawn; None writes nothing.
        max_share: the run stops when a larger share of a modality's items fails.
        minimum: items of a modality to see before its share is judged.
    """

    def __init__(self, path: Path | None, max_share: float, minimum: int = 50) -> None:
        self.path = path
        self.max_share = max_share
        self.minimum = minimum
        self.attempts: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._listed = set() if path is None else _read(path)

    def update(self, batch: Batch) -> None:
        """Count a batch: what is present was decoded (or, under the policy ``zero``, imputed), the rest failed.

        Raises:
            DataError: too large a share of a modality failed.
        """
        self.add(attempts(batch), batch.failures)

    def add(self, tried: Mapping[str, int], failures: Sequence[Failure]) -> None:
        """Count items, of this process or another.

        Args:
            tried: by modality, as :func:`attempts` gives them.
            failures: among these.

        Raises:
            DataError: too large a share of a modality failed.
        """
        for modality, count in tried.items():
            self.attempts[modality] += count
        unlisted, damaged = [], set()
        for failure in failures:
            if failure.lost:
                self.failed[failure.modality] += 1
                damaged.add(failure.modality)
            if _key(failure) not in self._listed:
                unlisted.append(failure)
        # listed before it is judged: whoever is told that a run stopped looks into the file
        self._append(unlisted)
        for modality in sorted(damaged):
            self._judge(modality, failures)

    def summary(self) -> dict[str, dict[str, int]]:
        """Attempts and failures by modality."""
        found = {}
        for modality in sorted(self.attempts):
            found[modality] = {"attempts": self.attempts[modality], "failed": self.failed[modality]}
        return found

    def _append(self, failures: list[Failure]) -> None:
        if not failures or self.path is None:
            return
        with open_own(self.path, "a") as file:
            for failure in failures:
                self._listed.add(_key(failure))
                row: dict[str, Any] = {"id": failure.id, "modality": failure.modality, "reason": failure.reason}
                if not failure.lost:
                    row |= {"value": failure.value, "lost": False}
                file.write(json.dumps(row) + "\n")  # ASCII: nothing that is in an id or a path can make it unreadable

    def _judge(self, modality: str, failures: Sequence[Failure]) -> None:
        tried, failed = self.attempts[modality], self.failed[modality]
        # early on, one bad file is a large share
        if tried < self.minimum or failed <= self.max_share * tried:
            return
        last = next(failure for failure in reversed(failures) if failure.lost and failure.modality == modality)
        raise DataError(
            f"{failed} of {tried} {modality} items could not be decoded, more than the allowed share of "
            f"{self.max_share:g}; the last was {last.id}: {last.reason}\n"
            f"All are listed in {self.path}. Fix the files, drop the modality, or allow a larger share."
        )


def failures_of(item: str, modality: str, damaged: Mapping[int, str], lost: bool) -> list[Failure]:
    """One failure for a modality that is lost, one for each damaged value where another was read."""
    if lost:
        return [Failure(item, modality, "; ".join(damaged.values()))]
    return [Failure(item, modality, reason, number, lost=False) for number, reason in damaged.items()]


def attempts(batch: Batch) -> Counter[str]:
    """By modality, how many items of a batch were tried: those that are present, and those that failed.

    Of an item with several rows only the first counts.
    """
    batch = batch.one_row_each()
    tried: Counter[str] = Counter()
    for modality, count in zip(batch.modalities, batch.present.sum(0).tolist(), strict=True):
        if count:  # a modality that never comes must not stand in the summary with zeros
            tried[modality] += count
    for failure in batch.failures:
        if not failure.lost:
            continue
        imputed = batch.present[batch.ids.index(failure.id), batch.modalities.index(failure.modality)]
        tried[failure.modality] += not bool(imputed)
    return tried


def describe_failures(path: Path) -> list[str]:
    """A sentence a modality about what ``failures.jsonl`` lists; none if there is no such file."""
    counts: Counter[tuple[str, bool]] = Counter()
    first: dict[tuple[str, bool], str] = {}
    for row in _rows(path):
        kind = row["modality"], row.get("lost", True)
        counts[kind] += 1
        first.setdefault(kind, f"{row['id']}: {row.get('reason', '')}")
    sentences = []
    for (modality, lost), count in sorted(counts.items()):
        what = f"{count} {'items' if count > 1 else 'item'} could not be decoded"
        if not lost:
            what = f"{count} of several values could not be decoded, another of the item was taken"
        sentences.append(f"{modality}: {what}, such as {first[modality, lost]} (all are listed in {path})")
    return sentences


Key = tuple[str, str, int]
"""Item, modality, and the number of the value where the item has another."""


def _key(failure: Failure) -> Key:
    return failure.id, failure.modality, failure.value if not failure.lost else -1


def _read(path: Path) -> set[Key]:
    return {(row["id"], row["modality"], row.get("value", -1)) for row in _rows(path)}


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    # Not splitlines(): an id may hold U+2028 or another character that it takes for the end of a line.
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # the empty end, or half a line of a run that was killed
        if isinstance(row, dict) and {"id", "modality"} <= row.keys():
            yield row
