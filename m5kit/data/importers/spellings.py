"""Notices names that are probably one, or none: classes that differ in case or spaces only; ``nan``, ``N/A``."""

import re
import unicodedata
from array import array
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import ArrayLike

MOST = 100_000
"""Names that are remembered; a label of more is one of instances."""

UNSEEN = "Cf"
"""Unicode's category of signs without a width, such as a byte order mark, a soft hyphen or a zero width space."""

ERRORS = ("#n/a", "#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!")
"""What spreadsheets write where they could not compute."""

NOTHING = frozenset(["nan", "none", "null", "n/a", "na", "nil", "<na>", "\\n", "-", "?", *ERRORS])
"""How programs write that there is no value."""

NUMBER = re.compile(r"(-?)0*(\d+)(?:\.(\d*?)0*)?", re.ASCII)
"""Its sign, whole part and fraction without zeros that say nothing."""

SHORTENED = re.compile(r"-?\d(?:[.,]\d{1,5})?[eE]\+(?:1[1-9]|[2-9]\d)", re.ASCII)
"""What spreadsheets make of twelve digits or more, such as those of a bar code; the other digits are gone."""

CUT = "numbers that a spreadsheet may have shortened"


def folded(name: str) -> str:
    """A name without what cannot be seen or is easily confused: é is one sign, or two; both look the same."""
    if name.isascii():
        return " ".join(name.casefold().split())
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) != UNSEEN)
    return " ".join(seen.casefold().split())


def _plain_number(name: str) -> str:
    """A number in its shortest spelling: 1 is 01, 1.0 and 1.; other names as they are."""
    found = NUMBER.fullmatch(name)
    if found is None:
        return name
    sign, whole, fraction = found.groups()
    return f"{sign}{whole}" + (f".{fraction}" if fraction else "")


ID_TWINS = "ids that differ in case, spaces, .0 or accents only"
ALIKE = "names that differ in case, spaces, zeros or accents only"


class IdFolds:
    """Finds ids that look alike among millions, once all were seen; those that folding leaves cost nothing."""

    def __init__(self) -> None:
        self._own, self._plain = array("q"), array("q")
        self._names: list[str] = []

    def look_at(self, name: str) -> None:
        """Remember an id if it may look like another."""
        plain = folded(name).removesuffix(".0")
        if plain == name:
            return
        self._own.append(hash(name))
        self._plain.append(hash(plain))
        if len(self._names) < MOST:
            self._names.append(name)

    def twins(self, ids: ArrayLike) -> tuple[int, str | None]:
        """How many ids look like another one, and one of them; ``ids`` is the hashes of all."""
        own, plain = np.frombuffer(self._own, np.int64), np.frombuffer(self._plain, np.int64)
        # an id that comes again is no twin of itself; that is told elsewhere
        _, places = np.unique(own, return_index=True)
        places.sort()
        first = np.unique(plain[places], return_index=True)[1]
        again = np.ones(len(places), np.bool_)
        again[first] = False
        found = places[again | np.isin(plain[places], np.asarray(ids, np.int64))]
        example = next((self._names[place] for place in found.tolist() if place < len(self._names)), None)
        return len(found), example


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
        plain = folded(name).removesuffix(".0")
        key = hash(plain)
        if key in self._folded or (plain != name and key in self._known):
            self._notice(ID_TWINS, repr(name))
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
        plain = _plain_number(folded(name))
        if not plain or plain in NOTHING:  # nothing is left of blanks and of signs without a width
            self._noticed.add((kind, name))
            self._notice(f"{kind}: names that usually say that there is none", repr(name))
        if SHORTENED.fullmatch(name):
            self._noticed.add((kind, name))
            self._notice(f"{kind}: {CUT}", repr(name))
        first = self._first.setdefault((kind, plain), name)
        if first != name:
            self._noticed.add((kind, name))
            self._notice(f"{kind}: {ALIKE}", f"{first!r} and {name!r}")
