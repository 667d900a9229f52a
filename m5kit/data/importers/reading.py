"""How a source is read, and where a reader counts what it does not hand on as it stands."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from m5kit.data.importers.report import ImportReport

Row: TypeAlias = Mapping[str, Any]

PLACE = "\0place"
"""The key of a row that names the file it comes from, where a source has several; no column has such a name."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A media file that is inside the source."""

    data: bytes
    suffix: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source is read.

    Attributes:
        report: counts what a reader changes or leaves out.
        delimiter: of CSV; None for a tab in ``.tsv`` and a comma elsewhere.
        quotes: whether cells of CSV may stand in quotation marks; None for no in ``.tsv`` and yes elsewhere.
        follow_links: whether links may lead out of the source's folder.
        encoding: of CSV; None for UTF-8.
        several: modalities of which an item may have several values.
        columns: of which something is made; None for all.
    """

    report: ImportReport
    delimiter: str | None = None
    quotes: bool | None = None
    follow_links: bool = False
    encoding: str | None = None
    several: Sequence[str] = ()
    columns: Collection[str] | None = None
