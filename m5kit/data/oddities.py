"""Notices what is allowed in a manifest and is probably a mistake: keys that nothing reads, names that look alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from m5kit.data.importers.absence import notice_words
from m5kit.data.importers.kinds import Kinds
from m5kit.data.importers.spellings import ID_TWINS, IdFolds, Spellings
from m5kit.signatures import suggestion

KEYS = ("id", "split", "labels")
EDGES = "names that are empty, or begin or end with a blank"
MOST = 1_000
"""Different keys that are remembered."""


class Oddities:
    """Looks at rows one after the other.

    Args:
        modalities: keys that are read beside ``id``, ``split`` and ``labels``.
    """

    def __init__(self, modalities: Sequence[str]) -> None:
        self._modalities = tuple(modalities)
        self._known = frozenset((*KEYS, *modalities))
        self._unread: Counter[str] = Counter()
        self._noticed: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._spellings = Spellings(self._notice)
        self._kinds = Kinds(self._notice)
        self._ids = IdFolds()
        self._labels: set[str] = set()

    def look_at(self, record: Mapping[str, Any]) -> None:
        """Look at one row."""
        for key in record.keys() - self._known:
            if key in self._unread or len(self._unread) < MOST:
                self._unread[key] += 1
        name, split, labels = record.get("id"), record.get("split"), record.get("labels")
        if type(name) is str:
            self._ids.look_at(name)
            self._look_at_edges("id", name)
            notice_words(name, "id", self._notice)
        for modality in self._modalities:
            self._look_at_value(modality, record.get(modality))
        if split and type(split) is str:
            self._spellings.look_at("split", split)
            self._look_at_edges("split", split)
        if type(labels) is dict:
            self._look_at_labels(labels)

    def _look_at_edges(self, kind: str, name: str) -> None:
        """Imports drop spaces around names; here nobody does, and ``train `` is not the split ``train``."""
        if name != name.strip() or not name:
            self._notice(f"{kind}: {EDGES}", repr(name))

    def _look_at_value(self, modality: str, value: Any) -> None:
        if type(value) is dict:
            self._kinds.look_at(value)
            for name, part in value.items():
                self._look_at_edges(f"names of properties in {modality}", name)
                if type(part) is str:
                    notice_words(part, f"{modality}.{name}", self._notice)
            return
        for part in value if type(value) is list else [value]:
            if type(part) is str:
                notice_words(part, modality, self._notice)

    def _look_at_labels(self, labels: Mapping[str, Any]) -> None:
        for name in labels.keys() - self._labels:
            self._spellings.look_at("labels", name)
        self._labels.update(labels)
        for name, label in labels.items():
            if type(label) is str:
                self._spellings.look_at(f"label {name}", label)
                self._look_at_edges(f"label {name}", label)

    def sentences(self, ids: ArrayLike) -> list[str]:
        """One for each kind of what was noticed; ``ids`` is the hashes of all ids."""
        found = []
        alike, example = self._ids.twins(ids)
        if alike:
            found.append(f"{ID_TWINS}: {alike:,} (such as {example!r})")
        for key, count in sorted(self._unread.items()):
            near = suggestion(key, self._known)
            found.append(f"the key {key!r} of {count:,} rows is not read{near and f'; {near}'}")
        for what, count in self._noticed.items():
            found.append(f"{what}: {count:,} (such as {self._examples[what]})")
        return found

    def _notice(self, what: str, example: object) -> None:
        self._noticed[what] += 1
        self._examples.setdefault(what, str(example))
