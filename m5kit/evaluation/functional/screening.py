"""Which gallery items may be among the best, found with products of bfloat16.

A processor with AMX multiplies bfloat16 five times as fast as float32, and half of the bytes are read afterwards. How
far such a product can be from the true one is known from what rounding takes from the vectors. Only the few items that
this bound cannot rule out are scored in float32, so that nothing is lost. Shape letters: q query, g gallery item,
d width, c candidate.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m5kit.evaluation.functional.selection import bound, places_of

SHARE = 32
"""Screening pays if at most one in so many items is wanted: each candidate costs as much as twenty products."""

_CROWD = 8
"""So many candidates for each that is wanted are too many: to score all of them is then the shorter way."""
_ROUNDING = 2.0**-8
"""What rounding to bfloat16 changes at most, as a share."""
_SLACK = 2.0**-22
"""What float32 sums may lose for each of their terms, as a share of the lengths' product; twice what is needed."""
_TINY = 1e-30
"""So small a score may owe something to products that were flushed to zero."""
_FLUSHED = 1e-35
"""What a vector may lose where its smallest numbers are flushed to zero."""


def pays(k: int, items: int) -> bool:
    """Whether to screen a block of so many gallery items for the best k of each query."""
    return k * SHARE <= items and _has_amx()


@cache
def _has_amx() -> bool:
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.11 has none
    return bool(capabilities.get("amx_bf16"))


@dataclass(frozen=True, eq=False)
class Rounded:
    """Vectors in bfloat16.

    Attributes:
        vectors: ``b d``, bfloat16.
        lengths: ``b``, of the vectors before.
        lost: ``b``, at least the length of what rounding took from them.
    """

    vectors: Tensor
    lengths: Tensor
    lost: Tensor

    @classmethod
    def measured(cls, vectors: Tensor) -> "Rounded":
        """The vectors ``b d`` rounded, and what that took from each."""
        rounded = vectors.bfloat16()
        norm = torch.linalg.vector_norm
        return cls(rounded, norm(vectors, dim=1), norm(vectors - rounded, dim=1) + _FLUSHED)

    @classmethod
    def bounded(cls, vectors: Tensor) -> "Rounded":
        """The same with the most that it can take, about twice what it does; for many vectors, which are read once."""
        lengths = torch.linalg.vector_norm(vectors, dim=1)
        return cls(vectors.bfloat16(), lengths, _ROUNDING * lengths + _FLUSHED)


def errors(queries: Rounded, gallery: Rounded) -> NDArray[np.float32]:
    """By how much, ``q``, a product of rounded vectors may differ from the true one, before it is rounded itself.

    By the triangle inequality and that of Cauchy and Schwarz, with the largest lengths of the gallery.
    """
    longest, lost = gallery.lengths.max(), gallery.lost.max()
    rounding = queries.lost * longest + (queries.lengths + queries.lost) * lost
    sums = _SLACK * queries.vectors.shape[1] * queries.lengths * longest
    error: NDArray[np.float32] = (1.001 * (rounding + sums)).numpy()
    return error


def candidates(
    scores: NDArray[np.int16], error: NDArray[np.float32], least: NDArray[np.float32] | None, *, k: int
) -> NDArray[np.int64] | None:
    """Flat places, in order, of all scores that may be among the best k of their row.

    Args:
        scores: ``q g``, the bits of bfloat16 scores. Those of numbers above zero are ordered as the numbers are.
        error: ``q``, as of :func:`errors`.
        least: ``q``, exact scores below which nothing is wanted; None to find a bound among the scores.
        k: how many are wanted.

    Returns:
        None if the bound is not above zero, is no number, or leaves too many.
    """
    if least is None:
        reached = bound(scores, k).astype(np.int32) << 16
        least = reached.view(np.float32) * np.float32(1 - _ROUNDING) - error
    lowest = least - error
    if not lowest.min() > _TINY:  # neither if it is no number
        return None
    # cut to the upper half of its bits, a bound is the next bfloat16 below; rounding of scores keeps their order
    places = places_of(scores >= (lowest.view(np.int32) >> 16).astype(np.int16)[:, None])
    return places if len(places) <= _CROWD * k * len(scores) else None


def exact(
    queries: Tensor, gallery: Tensor, counts: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The float32 scores ``c`` of some pairs only.

    Args:
        queries: ``q d``.
        gallery: ``g d``.
        counts: ``q``, how many of the pairs are each query's.
        columns: ``c``, the gallery items of the first query, then those of the next.
    """
    _ask_quietly()
    begins = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
    pairs = _table(begins, torch.from_numpy(columns), (len(queries), len(gallery)))
    scores: NDArray[np.float32] = torch.sparse.sampled_addmm(pairs, queries, gallery.T, beta=0.0).values().numpy()
    return scores


def _table(begins: Tensor, columns: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_csr_tensor(begins, columns, torch.zeros(len(columns)), shape, check_invariants=False)


@cache
def _ask_quietly() -> None:
    """Have torch say once, unheard, that its sparse tables are new."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _table(torch.tensor([0, 1]), torch.tensor([0]), (1, 1))
