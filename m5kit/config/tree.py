"""A config while it is composed: plain values with their origins, and the rule by which two configs merge."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REPLACE = "_replace_"
"""``_replace_: true`` inside a mapping replaces the mapping of the bases instead of merging with it."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its origin.

    Attributes:
        value: a scalar, a list of plain values, or a mapping from keys to nodes.
        origin: ``file:line``, ``--set``, ``--data`` or ``default``.
    """

    value: Any
    origin: str

    @property
    def is_mapping(self) -> bool:
        """Whether the value holds nodes by key."""
        return isinstance(self.value, dict)

    @property
    def is_dropped(self) -> bool:
        """Whether the value drops a part: ``none`` or an empty value."""
        return self.value is None or self.value == "none"

    def child(self, key: str) -> "Node | None":
        """The node under ``key``; None if there is none, or if this is not a mapping."""
        return self.value.get(key) if self.is_mapping else None


def from_plain(value: Any, origin: str) -> Node:
    """Nodes for ``value`` and everything in it, with one origin."""
    if isinstance(value, Mapping):
        return Node({str(key): from_plain(item, origin) for key, item in value.items()}, origin)
    return Node(value, origin)


def to_plain(node: Node) -> Any:
    """The values without their origins."""
    return {key: to_plain(child) for key, child in node.value.items()} if node.is_mapping else node.value


def origins(node: Node, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and origin of every value below ``node``, mappings included."""
    if path:
        yield path, node.origin
    if node.is_mapping:
        for key, child in node.value.items():
            yield from origins(child, f"{path}.{key}" if path else key)


def merge(base: Node | None, over: Node) -> Node:
    """Merge ``over`` into ``base``: mappings merge, everything else is replaced.

    A mapping that names another ``type`` is replaced too: the arguments of one part mean nothing to another.

    Example:
        >>> both = merge(from_plain({"a": 1, "b": [1, 2]}, "x"), from_plain({"b": [3]}, "y"))
        >>> to_plain(both), dict(origins(both))
        ({'a': 1, 'b': [3]}, {'a': 'x', 'b': 'y'})
    """
    if not over.is_mapping:
        return over
    merged = dict(base.value) if base is not None and _merges(base, over) else {}
    for key, child in over.value.items():
        if key != REPLACE:
            merged[key] = merge(merged.get(key), child)
    # the origin of a mapping is the place that changed it last
    return Node(merged, over.origin)


def _merges(base: Node, over: Node) -> bool:
    """Whether the keys of the base survive under those of the other."""
    replace, old, new = over.child(REPLACE), base.child("type"), over.child("type")
    another_type = old is not None and new is not None and old.value != new.value
    return base.is_mapping and not another_type and not (replace is not None and replace.value is True)
