"""Cuts items into batches: in their order, or those of like length together."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from m5kit.data.dataset import Prepared

WINDOW = 8
"""Batches whose items are sorted together: the longer, the less padding, and the more items wait in memory."""


def cut(items: Iterable[Prepared], size: int, sort: bool) -> Iterator[Sequence[Prepared]]:
    """Batches of ``size`` items.

    Args:
        items: ready for collation.
        size: of a batch; the last may be smaller.
        sort: put items of like length together, within a window.
    """
    if not sort:
        yield from _groups(items, size)
        return
    for window in _groups(items, size * WINDOW):
        yield from _groups(sorted(window, key=_length, reverse=True), size)


def _length(item: Prepared) -> int:
    """Steps that the encoders read, over all modalities."""
    return sum(int(inputs.lengths) for inputs in item.inputs.values())


def _groups(items: Iterable[Prepared], size: int) -> Iterator[list[Prepared]]:
    """Neighbours, ``size`` at a time."""
    left = iter(items)
    while group := list(islice(left, size)):
        yield group
