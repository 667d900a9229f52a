"""Says which column of a foreign row is which part of an item."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from m5kit.data.importers.absence import is_there, notice_none
from m5kit.data.importers.decimal_comma import with_point
from m5kit.data.importers.reading import PLACE, Blob, Row
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.tables import as_table
from m5kit.data.importers.values import as_name, as_number, as_property, as_text
from m5kit.data.manifest_rows import MODALITIES
from m5kit.data.several import single_if_alone
from m5kit.errors import DataError

IN_THE_ROW = ("text", "table")
"""Modalities whose values stand in the row itself; those of all others are files."""

ITEM_KEYS = ("id", "split", "labels", *MODALITIES)
"""Keys of an item that no further column may replace."""

RESERVED = ("id", "split", "labels")
"""Keys of an item that are no modality, and have options of their own."""

NAME = re.compile(r"\w[\w.-]*")
"""A modality's name is the key of a config, and of the folder that its files are unpacked into."""

NAMES = ("id", "__key__")
"""Columns that hold an item's id if none is named."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which columns make an item.

    Attributes:
        modalities: by modality, the column; or several, the first of which that has a value counts.
        table: columns that are properties of the item's table; a column that holds a whole table (a mapping or a JSON
            text) is named in ``modalities`` instead.
        values: further modalities whose columns hold values, not paths of files.
        several: modalities of which an item has all values that its columns hold, not the first alone.
        separator: what stands between several values in one cell; None where a cell holds one.
        numbers: columns of ``table`` whose texts are numbers.
        decimal_comma: numbers are written as in 1.234,5.
        extra: columns that the manifest keeps beside the item, for other programs.
        labels: by label name, its column.
        id: the item's name; without it the column ``id``, or else the row's number.
        split: the column of the split; without it the column ``split``, if there is one.
        shares: how large each split becomes, where the source has no such column.
        seed: of the draw of splits.
    """

    modalities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    table: Sequence[str] = ()
    values: Sequence[str] = ()
    several: Sequence[str] = ()
    separator: str | None = None
    numbers: Sequence[str] = ()
    decimal_comma: bool = False
    extra: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None
    split: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.modalities and not self.table:
            raise DataError("no column is mapped to a modality; say --map MODALITY=COLUMN or --table COLUMN,COLUMN")
        if strange := [name for name in self.modalities if name in RESERVED or not NAME.fullmatch(name)]:
            raise DataError(
                f"--map {strange[0]}: expected a modality, whose name has letters, digits and _ only; "
                "ids, splits and labels have options of their own: --id, --split, --label"
            )
        if self.table and "table" in self.modalities:
            raise DataError("the table comes from --table or from --map table=COLUMN; give one of them, not both")
        if strange := [name for name in self.values if name not in self.modalities]:
            raise DataError(f"values are named for {strange[0]!r}, but no column is mapped to it with --map")
        self._check_several()
        self._check_shares()
        if strange := [name for name in self.numbers if name not in self.table]:
            raise DataError(f"{strange[0]!r} must be a number, but is no column of --table")
        taken = {*ITEM_KEYS, *self.modalities}
        if strange := [name for name in self.extra if name in taken]:
            raise DataError(f"--extra {strange[0]}: items have a key of that name; rename the column")

    def _check_several(self) -> None:
        if strange := [name for name in self.several if name not in self.modalities or name == "table"]:
            raise DataError(f"--several {strange[0]}: no columns of files or texts are mapped to it; do so with --map")
        if self.separator == "":
            raise DataError("--separator is empty; say what stands between several values, such as '|'")
        if self.separator is not None and not self.several:
            raise DataError("--separator says what stands between several values; name the modality with --several")

    def _check_shares(self) -> None:
        if self.split and self.shares:
            raise DataError("the split comes from a column or from shares; give --split or --split-by, not both")
        for name, share in self.shares.items():
            if not 0 < share <= 1:
                raise DataError(f"--split-by {name}={share:g}: expected a share over 0 and up to 1")
        if self.shares and not math.isclose(sum(self.shares.values()), 1):
            raise DataError(f"the shares of --split-by add up to {sum(self.shares.values()):g}; they must add up to 1")

    @property
    def named(self) -> set[str]:
        """Every column that is asked for; of several for a modality only the first."""
        chosen: set[str] = set(filter(None, (self.id, self.split, *self.table, *self.extra, *self.labels.values())))
        for names in self.modalities.values():
            # of several columns any may be missing, so only a single one can be asked for by name
            if len(names) == 1:
                chosen.add(names[0])
        return chosen

    @property
    def used(self) -> set[str]:
        """Every column that something is made of, those that only stand in for another too."""
        mapped: set[str] = set()
        for columns in self.modalities.values():
            mapped.update(columns)
        return self.named | mapped | {self.id or "id", self.split or "split", PLACE, *NAMES}

    @property
    def asked(self) -> tuple[str, ...]:
        """The modalities that something is mapped to."""
        return (*self.modalities, *(("table",) if self.table else ()))

    def item(self, row: Row, number: int, report: ImportReport) -> dict[str, Any]:
        """The row as a manifest has it; media are still as the source gives them.

        Args:
            row: by column.
            number: of the row, from 1.
            report: counts what is not written as the row has it.

        Raises:
            DataError: a value cannot be read.
        """
        name = self._name(row, number, report)
        item: dict[str, Any] = {"id": name, "split": self._split(row, name, report)}
        for modality, columns in self.modalities.items():
            item[modality] = self._value(modality, row, columns, name, report)
        if self.table:
            item["table"] = self._properties(row, name, report) or None
        labels = {}
        for label, column in self.labels.items():
            if is_there(row.get(column), column, report):
                report.filled.add(column)
                labels[label] = as_name(row[column], column, report)
        for column in self.extra:
            if is_there(row.get(column), column, report):
                report.filled.add(column)
                item[column] = as_property(row[column], column, report)
        return {**item, "labels": labels or None}

    def _name(self, row: Row, number: int, report: ImportReport) -> str:
        if self.id is not None:
            if not is_there(row.get(self.id), self.id, report):
                raise DataError(f"row {number} has no {self.id}; every item needs an id, or leave out --id")
            return _as_id(row[self.id], self.id, report)
        for column in NAMES:
            if is_there(row.get(column), column, report):
                return _as_id(row[column], column, report)
        if any(column in row for column in NAMES):
            report.change("id: rows without an id are named by their number", f"row {number}")
        return f"{number:09d}"

    def _value(self, modality: str, row: Row, columns: Sequence[str], name: str, report: ImportReport) -> Any:
        there = []
        for column in columns:
            value = row.get(column)
            if is_there(value, column, report):
                there.append(column)
            elif isinstance(value, Blob):
                report.leave_out(f"{column}: files of 0 bytes", f"that of item {name}")
        if modality in self.several:
            found: list[Any] = []
            for column in there:
                found += self._several(modality, row[column], column, name, report)
            return single_if_alone(found) if found else None
        return self._single(modality, row, there[0], name, report) if there else None

    def _several(self, modality: str, cell: Any, column: str, name: str, report: ImportReport) -> list[Any]:
        """All values in a cell: the parts of a list, or of a text with separators."""
        parts = cell if isinstance(cell, list) else [cell]
        if self.separator is not None and isinstance(cell, str):
            parts = [part.strip() for part in cell.split(self.separator)]
        values = [
            self._single(modality, {column: part}, column, name, report)
            for part in parts
            if is_there(part, column, report)
        ]
        return [value for value in values if value is not None]

    def _single(self, modality: str, row: Row, column: str, name: str, report: ImportReport) -> Any:
        if modality == "text":
            return as_text(row[column], column, report)
        if modality == "table":
            return as_table(row[column], column, name, report)
        return as_property(row[column], column, report) if modality in self.values else row[column]

    def _properties(self, row: Row, name: str, report: ImportReport) -> dict[str, Any]:
        properties = {}
        for column in self.table:
            value = row.get(column)
            if not is_there(value, column, report):
                continue
            report.filled.add(column)
            if column in self.numbers:
                said = with_point(value, column, name, report) if self.decimal_comma else value
                read = as_number(said, column, name, report)
            else:
                read = as_property(value, column, report)
            if read is not None:
                properties[column] = read
        return properties

    def _split(self, row: Row, name: str, report: ImportReport) -> str | None:
        if self.shares:
            return draw_split(name, self.shares, self.seed)
        column = self.split or "split"
        return as_name(row[column], column, report) if is_there(row.get(column), column, report) else None


def _as_id(value: Any, column: str, report: ImportReport) -> str:
    name = as_name(value, column, report)
    notice_none(name, column, report.notice)
    return name


def draw_split(name: str, shares: Mapping[str, float], seed: int) -> str:
    """The split of an item: it depends on its name and the seed, so items that come later move no other.

    Example:
        >>> [draw_split(name, {"train": 0.5, "test": 0.5}, 0) for name in "abcd"]
        ['test', 'train', 'train', 'test']
    """
    # not Python's hash, which differs from process to process
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    for split, share in shares.items():
        if place < share:
            return split
        place -= share
    return list(shares)[-1]  # shares that add up to a little less than 1 by rounding
