"""The best k of many scores on a CPU, exactly and in order, several times faster than sorting or ``torch.topk``.

A score and its position are packed into one 64-bit key, so that one plain sort of a few candidates ranks them, the
earlier of equal scores first. Shape letters: q query, g gallery item, c candidate, k top-k.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Score = TypeVar("Score", np.float32, np.int16)

Keys = NDArray[np.int64]
"""``q c``: the larger, the better; see :func:`best_keys`."""

NOBODY = np.int64(np.iinfo(np.int64).min)
"""The key of empty places, where there are fewer than k candidates."""

_POSITIONS = np.int64(2**32 - 1)
"""The lower half of a key. Positions count down from it, so that of equal scores the earlier one has the larger key."""
_SIGN = np.int64(2**31 - 1)
"""All bits of a float but its sign. Flipped in negative ones, they order all floats as whole numbers."""
_LEAST = np.int64((0x807FFFFF << 32 | 0xFFFFFFFF) - 2**64)
"""The largest key with a score of minus infinity."""
_SPARE = 4
"""Groups for each of the k: with so many, hardly more than k scores reach the k-th best maximum of a group."""


def best_keys(scores: NDArray[np.float32], least: NDArray[np.float32] | None = None, *, k: int, start: int) -> Keys:
    """Keys ``q c`` of the best k of each row, best first; c is at most k.

    Args:
        scores: ``q g``.
        least: ``q``, scores below which candidates are ignored.
        k: how many are wanted.
        start: gallery position of the first column, below 2^32.
    """
    # few scores reach the bound, so all that follows works on short lists
    flat = np.flatnonzero(_candidates(scores, k, least))
    counts, columns = rows_of(flat, scores.shape)
    return ranked(counts, columns, scores.ravel().take(flat), k=k, start=start)


def places_of(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The flat places, in order, where few are True; in less time than ``np.flatnonzero``.

    Sixteen bytes are looked at together, then those with something in them eight at a time, then these one by one.

    Args:
        mask: any shape, contiguous.
    """
    flat = mask.reshape(-1)
    whole = len(flat) // 16 * 16
    eights = flat[:whole].view(np.uint64)
    sixteens = (eights != 0).view(np.uint16)
    some = _within(np.flatnonzero(sixteens != 0), sixteens, 1)
    found = _within(some, eights, 3)
    return np.concatenate([found, np.flatnonzero(flat[whole:]) + whole])


def _within(groups: NDArray[np.int64], table: NDArray[np.uint16] | NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """The places of what is True in some groups of ``2 ** bits`` bytes, each group a number of the table."""
    inside = np.flatnonzero(table.take(groups).view(np.bool_))
    places: NDArray[np.int64] = (groups.take(inside >> bits) << bits) + (inside & (2**bits - 1))
    return places


def rows_of(flat: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many of the flat places, in order, lie in each row of a table of this shape, and the column of each."""
    begins = np.arange(shape[0]) * shape[1]
    counts = np.diff(np.searchsorted(flat, begins), append=len(flat))
    return counts, flat - np.repeat(begins, counts)


def ranked(
    counts: NDArray[np.int64], columns: NDArray[np.int64], scores: NDArray[np.float32], *, k: int, start: int
) -> Keys:
    """Keys ``q c`` of the best k of each row, best first, if only some columns have scores.

    Args:
        counts: ``q``, how many each row has.
        columns: those of the first row, then those of the next.
        scores: theirs.
        k: how many are wanted.
        start: gallery position of the first column.
    """
    table = np.full((len(counts), counts.max(initial=0)), NOBODY)
    table[np.arange(table.shape[1]) < counts[:, None]] = _pack(scores, columns + start)
    return _descending(table, k)


def merge(left: Keys, right: Keys, k: int) -> Keys:
    """The best k of two tables of keys, best first."""
    return _descending(np.concatenate([left, right], axis=1), k)


def unpack(keys: Keys) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores and positions of keys; minus infinity for an empty place.

    Example:
        >>> scores, positions = unpack(best_keys(np.array([[0.5, -1.0, 2.0, 0.5]], np.float32), k=3, start=10))
        >>> scores.tolist(), positions.tolist()
        ([[2.0, 0.5, 0.5]], [[12, 10, 13]])
    """
    bits = (keys >> 32).astype(np.int32)
    bits ^= (bits >> 31) & np.int32(_SIGN)
    scores = np.where(keys == NOBODY, np.float32(-np.inf), bits.view(np.float32))
    return scores, ~keys & _POSITIONS


def positions(keys: Keys, nothing: int) -> NDArray[np.int64]:
    """The positions of keys; ``nothing`` in place of those with a score of minus infinity and of empty places."""
    found = ~keys
    found &= _POSITIONS
    found[keys <= _LEAST] = nothing
    return found


def _candidates(scores: NDArray[np.float32], k: int, least: NDArray[np.float32] | None) -> NDArray[np.bool_]:
    """Which scores ``q g`` may be among the best k of their row."""
    if least is None:
        return scores >= bound(scores, k)[:, None]
    # after some blocks hardly any score reaches what was found before, and looking for a better bound would cost more
    reach = scores >= least[:, None]
    if np.count_nonzero(reach) > _SPARE * k * len(scores):
        reach &= scores >= bound(scores, k)[:, None]
    return reach


def bound(scores: NDArray[Score], k: int) -> NDArray[Score]:
    """A lower bound ``q`` of the k-th largest score of each row: the k-th largest of the maxima of groups.

    Minus infinity, or what stands for it in whole numbers, if there are too few scores for groups.
    """
    groups = _SPARE * k
    members = scores.shape[1] // groups
    if members < 2:  # no gain over a plain sort
        least = -np.inf if scores.dtype.kind == "f" else np.iinfo(np.int16).min
        return np.full(len(scores), least, dtype=scores.dtype)
    maxima = scores[:, : members * groups].reshape(len(scores), members, groups).max(1)
    maxima.partition(groups - k, axis=1)
    kth: NDArray[Score] = maxima[:, groups - k]
    return kth


def _pack(scores: NDArray[np.float32], positions: NDArray[np.int64]) -> Keys:
    """One key for each score and position; a larger score, or the same at an earlier position, gives a larger key."""
    bits = (scores + np.float32(0)).view(np.int32)  # -0 becomes 0, its equal
    bits ^= (bits >> 31) & np.int32(_SIGN)  # now whole numbers are ordered as the floats are
    keys: Keys = bits.astype(np.int64)
    keys <<= 32
    keys |= _POSITIONS - positions
    return keys


def _descending(table: Keys, k: int) -> Keys:
    """The k largest of each row, largest first; numpy sorts ascending only."""
    table.sort(axis=1)
    return table[:, : -k - 1 : -1]
