"""Sees whether a source has the columns that an import asks for."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from m5kit.data.importers.columns import ColumnMapping
from m5kit.data.importers.reading import PLACE, Row
from m5kit.data.importers.report import ImportReport
from m5kit.errors import DataError
from m5kit.signatures import listed, suggestion

MANY = 20
"""Columns that are still seen at a glance."""


@dataclass
class AskedColumns:
    """Sees whether the columns that are asked for are there.

    Attributes:
        asked: what is asked for.
        source: where the rows come from.
        fixed: whether every row must have all of them.
        report: counts rows, and gets what is odd.
        seen: every column there was, with a row that has it.
        by_file: which of the columns that are asked for each file has.
    """

    asked: ColumnMapping
    source: Path
    fixed: bool
    report: ImportReport
    seen: dict[str, str] = field(default_factory=dict)
    by_file: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def checked(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows."""
        named, used = self.asked.named, self.asked.used
        for row in rows:
            self.report.rows += 1
            # rows of a folder differ in their columns, so what is missing is known only at the end
            for column in row.keys() - self.seen.keys():
                self.seen[column] = str(row.get("__key__", f"row {self.report.rows}"))
            if self.fixed and not named <= row.keys():
                raise self._lacking(row.get(PLACE, self.source), named - row.keys(), row.keys())
            self.by_file[row.get(PLACE, "")] |= used & row.keys()
            yield row
        if not self.report.rows:
            raise DataError(f"{self.source} holds no rows{self.report.losses()}")
        self._warn_of_lookalikes()
        self._warn_of_names()
        if not named <= self.seen.keys():
            raise self._lacking(self.source, named - self.seen.keys(), self.seen.keys())
        self._warn_of_files(named)
        left = sorted(self.seen.keys() - used)
        if left:
            self.report.notes.append(f"columns that nothing was made of: {listed(list(map(_spelled, left)))}")

    def _lacking(self, place: object, unseen: Iterable[str], there: Iterable[str]) -> DataError:
        names = sorted(set(there) - {PLACE})
        seen = listed(list(map(_spelled, names))) or "none at all"
        hint = "".join(map(". {}".format, self.report.warnings)) + self.report.losses()
        wanted = sorted(unseen)
        near = suggestion(wanted[0], names) if len(wanted) == 1 and len(names) > MANY else ""
        absent = listed(list(map(_spelled, wanted))) + (near and f" ({near})")
        return DataError(f"{place} has no column {absent}; it has {seen}{hint}")

    def _warn_of_files(self, named: set[str]) -> None:
        """A shard in which a suffix is spelled otherwise loses a modality of all of its items."""
        expected = named | ({"id", "split"} & self.seen.keys() & self.asked.used)
        for place, there in self.by_file.items():
            lacking = sorted(expected - there)
            if lacking:
                self.report.warnings.append(f"{place} has no {', '.join(lacking)} in any of its rows")

    def _warn_of_lookalikes(self) -> None:
        """A dot inside a name hides its suffix: 'mug 2.0.jpg' has the key 'mug 2' and the suffix '0.jpg'."""
        used = self.asked.used
        for column, example in self.seen.items():
            if column not in used and column.rpartition(".")[2] in used and not self.fixed:
                self.report.warnings.append(
                    f"nothing was made of the members .{column}, such as that of {example!r}: the suffix begins at the "
                    f"first dot of a name. Map {column} too, or rename them"
                )

    def _warn_of_names(self) -> None:
        """Items without ids get their row's number, and of two answers on the split only one counts."""
        if self.asked.id is None and "id" not in self.seen:
            for column in self.seen:
                if column != "id" and column.strip().casefold() == "id":
                    self.report.warnings.append(f"items are named by their rows; --id {column!r} takes that column")
        if self.asked.shares and "split" in self.seen:
            self.report.warnings.append("the column split was not used: --split-by draws splits")


def _spelled(name: str) -> str:
    """The name of a column; in quotation marks where a reader would not see what belongs to it."""
    return name if name and name == name.strip() else repr(name)
