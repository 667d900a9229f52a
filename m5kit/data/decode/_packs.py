"""Packs of feature items: ``ids``, ``offsets`` and ``features`` of many items, each a ``.npy`` file in one folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.files import UNBOUNDED, UnusableFileError

Arrays = Mapping[str, NDArray[Any]]
Find = Callable[[Any, int], Path]
"""The decoder's way to a file: what the manifest names, and the most bytes it may have."""

UNPACKED = 8
"""How many times ``max_bytes`` the arrays of an item may have once they are unpacked."""


def read_pack(place: str, item: str, find: Find, limit: int) -> Arrays:
    """The arrays of one item of a pack.

    Args:
        place: the folder.
        item: its id.
        find: the path of a file that may be read.
        limit: bytes that the features may have.

    Raises:
        UnusableFileError: there is no such item, or the arrays of the pack do not belong together.
    """
    ids, offsets, features = (_array(place, name, find) for name in ("ids", "offsets", "features"))
    found = _row(ids, offsets, item)
    first, last = _tokens(offsets, found, len(features))
    check_size(features[first:last].nbytes, limit)
    arrays = {"features": np.array(features[first:last])}
    if find(f"{place}/ids.npy", UNBOUNDED).with_name("boxes.npy").is_file():
        boxes = _array(place, "boxes", find)
        if len(boxes) != len(features):
            raise UnusableFileError(f"the pack has {len(boxes)} boxes and {len(features)} tokens; expected as many")
        arrays["boxes"] = np.array(boxes[first:last])
    return arrays


def _array(place: str, name: str, find: Find) -> NDArray[Any]:
    array: NDArray[Any] = np.load(find(f"{place}/{name}.npy", UNBOUNDED), mmap_mode="r", allow_pickle=False)
    return array


def _row(ids: NDArray[Any], offsets: NDArray[Any], item: str) -> int:
    """Where an item stands among the ids."""
    if ids.dtype.kind != "U" or offsets.dtype.kind not in "iu":
        raise UnusableFileError(
            f"the pack has ids of {ids.dtype} and offsets of {offsets.dtype}; expected texts and whole numbers"
        )
    if len(offsets) != len(ids) + 1:
        raise UnusableFileError(f"the pack has {len(ids)} ids and {len(offsets)} offsets; expected one more than ids")
    found = int(np.searchsorted(ids, item))
    if found == len(ids) or ids[found] != item:
        hint = "" if (ids[1:] >= ids[:-1]).all() else "; its ids are not sorted, so none can be found"
        raise UnusableFileError(f"the pack has no item {item!r}{hint}")
    if found + 1 < len(ids) and ids[found + 1] == item:
        raise UnusableFileError(f"the pack has the id {item!r} more than once")
    return found


def _tokens(offsets: NDArray[Any], found: int, tokens: int) -> tuple[int, int]:
    """The first token of an item, and the one behind its last."""
    first, last = int(offsets[found]), int(offsets[found + 1])
    if not 0 <= first <= last <= tokens:
        raise UnusableFileError(f"the pack puts it at {first} to {last} of {tokens} tokens")
    if int(offsets[-1]) != tokens or int(offsets[0]) != 0:
        raise UnusableFileError(
            f"the pack has {tokens} tokens, and its offsets go from {int(offsets[0])} to {int(offsets[-1])}"
        )
    # its neighbours alone: a look at all of millions of offsets for every item would take long
    around = [int(offset) for offset in offsets[max(0, found - 1) : found + 3]]
    if around != sorted(around):
        raise UnusableFileError(f"the offsets of the pack go by {around}; tokens would belong to two items")
    return first, last


def check_size(size: int, limit: int) -> None:
    """Refuse what would be too large once it is unpacked: a few kilobytes can declare terabytes."""
    if size > limit:
        raise UnusableFileError(f"unpacked, it has {size:,} bytes, over {UNPACKED} times max_bytes = {limit:,}")
