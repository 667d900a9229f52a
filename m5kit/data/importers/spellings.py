"""Notices names that are probably one, or none: classes that differ in case or spaces only; ``nan``, ``N/A``."""

import unicodedata
from collections.abc import Callable, Collection

MOST = 100_000
"""Names that are remembered; a label of more is one of instances."""


NOTHING = frozenset(["nan", "none", "null", "n/a", "na", "#n/a", "nil", "<na>", "-", "?"])
"""How programs write that there is no value."""


def folded(name: str) -> str:
    """A name without what cannot be seen or is easily confused: é is one sign, or two; both look the same."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class Twins:
    """Notices ids that differ in case, spaces or the form of accents only: often one item that came twice.

    Args:
        known: the hash of every id before; whoever calls keeps it.
        notice: is told what is odd, and an id.
    """

    def __init__(self, known: Collection[int], notice: Callable[[str, object], None]) -> None:
        self._known, self._notice = known, notice
        self._folded: set[int] = set()  # of those ids alone that folding changes; in most sets these are few

    def look_at(self, name: str) -> None:
        """Compare one id with those before it, none of which equals it."""
        plain = folded(name)
        key = hash(plain)
        if key in self._folded or (plain != name and key in self._known):
            self._notice("ids that differ in case, spaces or accents only", repr(name))
        if plain != name:
            self._folded.add(key)


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
        plain = folded(name).removesuffix(".0")
        if plain in NOTHING:
            self._noticed.add((kind, name))
            self._notice(f"{kind}: names that usually say that there is none", repr(name))
        first = self._first.setdefault((kind, plain), name)
        if first != name:
            self._noticed.add((kind, name))
            self._notice(f"{kind}: names that differ in case, spaces, .0 or accents only", f"{first!r} and {name!r}")
