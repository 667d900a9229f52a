"""Notices what is allowed in a manifest and is probably a mistake: keys that nothing reads, names that look alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from m5kit.data.importers.spellings import Spellings
from m5kit.signatures import suggestion

KEYS = ("id", "split", "labels")
MOST = 1_000
"""Different keys that are remembered."""


class Oddities:
    """Looks at rows one after the other.

    Args:
        modalities: keys that are read beside ``id``, ``split`` and ``labels``.
    """

    def __init__(self, modalities: Sequence[str]) -> None:
        self._known = frozenset((*KEYS, *modalities))
        self._unread: Counter[str] = Counter()
        self._noticed: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._spellings = Spellings(self._notice)

    def look_at(self, record: Mapping[str, Any]) -> None:
        """Look at one row."""
        for key in record.keys() - self._known:
            if key in self._unread or len(self._unread) < MOST:
                self._unread[key] += 1
        split, labels = record.get("split"), record.get("labels")
        if type(split) is str:
            self._spellings.look_at("split", split)
        if type(labels) is dict:
            for name, label in labels.items():
                if type(label) is str:
                    self._spellings.look_at(f"label {name}", label)

    def sentences(self) -> list[str]:
        """One for each kind of what was noticed."""
        found = []
        for key, count in sorted(self._unread.items()):
            near = suggestion(key, self._known)
            found.append(f"the key {key!r} of {count:,} rows is not read{near and f'; {near}'}")
        for what, count in self._noticed.items():
            found.append(f"{what}: {count:,} (such as {self._examples[what]})")
        return found

    def _notice(self, what: str, example: object) -> None:
        self._noticed[what] += 1
        self._examples.setdefault(what, str(example))
