"""Notices names that are probably one: classes that differ in case, inner spaces, ``.0`` or stored accents."""

import unicodedata

from m5kit.data.importers.report import ImportReport

MOST = 100_000
"""Names that are remembered; a label of more is one of instances."""


class Spellings:
    """Compares every name of a kind with those before it.

    Args:
        report: counts names that look like another.
    """

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        self._first: dict[tuple[str, str], str] = {}
        self._noticed: set[tuple[str, str]] = set()

    def look_at(self, kind: str, name: str | None) -> None:
        """Compare one name; both stay as they are, since nobody knows which is meant."""
        if name is None or len(self._first) >= MOST or (kind, name) in self._noticed:
            return
        # é is one sign, or two; both look the same
        folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split()).removesuffix(".0")
        first = self._first.setdefault((kind, folded), name)
        if first != name:
            self._noticed.add((kind, name))
            self.report.notice(
                f"{kind}: names that differ in case, spaces, .0 or accents only", f"{first!r} and {name!r}"
            )
