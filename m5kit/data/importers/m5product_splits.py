"""The splits of M5Product's products, from lists of their ids."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m5kit.data.importers.ids import IdTable, read_ids
from m5kit.data.importers.report import ImportReport, MissingList


class ListedSplits:
    """Which splits a product is in, and which of the listed products came.

    Args:
        lists: by split, the file of its ids.
        rest: the split of products in no list; None leaves them out.
    """

    def __init__(self, lists: Mapping[str, Path], rest: str | None) -> None:
        self.lists, self.rest = lists, rest
        self._tables: dict[str, IdTable] = {}
        self._seen: dict[str, NDArray[np.bool_]] = {}
        for split, path in lists.items():
            self._tables[split] = IdTable(_numbered(path))
            # a byte an id: a set of millions of names would take gigabytes
            self._seen[split] = np.zeros(self._tables[split].largest + 1, np.bool_)
        self._others: set[int] = set()  # hashes of the products in no list
        self._left_out = self._repeated = self._shared = 0

    def of(self, name: str) -> Iterator[tuple[str | None, str]]:
        """Pairs (split, id) for each item that the product becomes."""
        found = {}
        for split, table in self._tables.items():
            number = table.get(name)
            if number is not None:
                found[split] = number
        if not found:
            yield from self._in_no_list(name)
            return
        new = {split: number for split, number in found.items() if not self._seen[split][number]}
        self._repeated += len(new) < len(found)
        self._shared += len(new) > 1
        for place, (split, number) in enumerate(new.items()):
            self._seen[split][number] = True
            # ids of a manifest are unique, so the same product in a second split needs another name
            yield split, name if place == 0 else f"{name}@{split}"

    def _in_no_list(self, name: str) -> Iterator[tuple[str | None, str]]:
        if self.lists and not self.rest:
            self._left_out += 1
        elif hash(name) in self._others:
            self._repeated += 1
        else:
            self._others.add(hash(name))
            yield self.rest, name

    def close(self, report: ImportReport, missing: MissingList) -> None:
        """List the ids that no record has, and say what was left out."""
        for split, path in self.lists.items():
            for name in read_ids(path):
                number = self._tables[split].get(name)
                if number is not None and not self._seen[split][number]:
                    missing.add(f"record of {split}", name, path.name)
        for reason, count in {"in no list": self._left_out, "came before": self._repeated}.items():
            if count:
                report.passed_over[reason] = count
        if self._shared:
            report.notes.append(
                f"{self._shared} products are in several lists; the ids of their further items are ID@SPLIT"
            )


def _numbered(path: Path) -> Iterator[tuple[str, int]]:
    return ((name, number) for number, name in enumerate(read_ids(path)))
