"""Notices names that are probably one, or none: classes that differ in case or spaces only; ``nan``, ``N/A``."""

import unicodedata
from collections.abc import Callable

MOST = 100_000
"""Names that are remembered; a label of more is one of instances."""


NOTHING = frozenset(["nan", "none", "null", "n/a", "na", "#n/a", "nil", "<na>", "-", "?"])
"""How programs write that there is no value."""


class Spellings:
    """Compares every name of a kind with those before it.

    Args:
        notice: is told what is odd about a name, and the name.
    """

    def __init__(self, notice: Callable[[str, object], None]) -> None:
        self._notice = notice
        self._first: dict[tuple[str, str], str] = {}
        self._noticed: set[tuple[str, str]] = set()

    def look_at(self, kind: str, name: str | None) -> None:
        """Compare one name; both stay as they are, since nobody knows which is meant."""
        if name is None or len(self._first) >= MOST or (kind, name) in self._noticed:
            return
        # é is one sign, or two; both look the same
        folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split()).removesuffix(".0")
        if folded in NOTHING:
            self._noticed.add((kind, name))
            self._notice(f"{kind}: names that usually say that there is none", repr(name))
        first = self._first.setdefault((kind, folded), name)
        if first != name:
            self._noticed.add((kind, name))
            self._notice(f"{kind}: names that differ in case, spaces, .0 or accents only", f"{first!r} and {name!r}")
