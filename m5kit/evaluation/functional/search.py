"""Exact nearest neighbours in blocks: a gallery of millions in bounded memory.

Shape letters: q query, g gallery item, d width, k top-k.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m5kit.errors import ConfigError, MissingDependencyError

NOTHING = -1
"""Stands for "no neighbour" where fewer than k may be ranked, and for "not in the gallery"."""

BACKENDS = ("torch", "faiss")


def top_k(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    k: int,
    *,
    own: NDArray[np.int64] | None = None,
    backend: str = "torch",
    query_block: int = 1024,
    gallery_block: int = 16384,
    device: torch.device | str | None = None,
) -> NDArray[np.int64]:
    """Positions ``q k`` of the gallery items with the largest dot product, best first.

    Of equal scores the earlier gallery item comes first. (With ``backend="faiss"``, faiss chooses which of several
    items tied for the last place it returns.) L2-normalise both sides for the cosine.

    Args:
        queries: ``q d``.
        gallery: ``g d``.
        k: how many; may exceed g.
        own: ``q``, the gallery position that a query must not find because it is the query itself; -1 for none.
        backend: ``"torch"``, or ``"faiss"`` if installed: 1.3 to 1.8 times as fast on a CPU.
        query_block: queries scored at once.
        gallery_block: gallery items scored at once; memory is ``query_block * gallery_block`` floats.
        device: where torch computes; None for a GPU if there is one.

    Returns:
        int64, ``q k``; -1 where the gallery has no further item.

    Example:
        >>> gallery = np.eye(3, dtype=np.float32)
        >>> top_k(gallery, gallery, 2, own=np.arange(3))
        array([[1, 2],
               [0, 2],
               [0, 1]])
    """
    if backend not in BACKENDS:
        raise ConfigError([f"backend: expected {' or '.join(BACKENDS)}, got {backend!r}"])
    own = np.full(len(queries), NOTHING) if own is None else own
    if backend == "faiss":
        found = _faiss(queries, gallery, min(k, len(gallery)), own)
    else:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        blocks = _torch(queries, gallery, min(k, len(gallery)), own, (query_block, gallery_block), device)
        found = np.concatenate([np.empty((0, min(k, len(gallery))), np.int64), *blocks])
    return np.pad(found, ((0, 0), (0, k - found.shape[1])), constant_values=NOTHING)


def _torch(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    k: int,
    own: NDArray[np.int64],
    block: tuple[int, int],
    device: torch.device | str,
) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(queries), block[0]):
        part = slice(start, start + block[0])
        scores, positions = _search_block(
            torch.from_numpy(queries[part]).to(device), gallery, k, torch.from_numpy(own[part]).to(device), block[1]
        )
        yield positions.masked_fill(scores.isneginf(), NOTHING).cpu().numpy()


def _search_block(
    queries: Tensor, gallery: NDArray[np.float32], k: int, own: Tensor, gallery_block: int
) -> tuple[Tensor, Tensor]:
    """The best scores of a few queries, and where in the gallery they are, each ``q k``."""
    best_scores = queries.new_empty(len(queries), 0)
    best = own.new_empty(len(queries), 0)
    for start in range(0, len(gallery), gallery_block):
        part = torch.from_numpy(gallery[start : start + gallery_block]).to(queries.device)
        scores = queries @ part.T
        _hide_own(scores, own - start)
        scores, positions = _stable_top_k(scores, min(k, len(part)))
        best_scores, best = _merge((best_scores, best), (scores, positions + start), k)
    return best_scores, best


def _hide_own(scores: Tensor, own: Tensor) -> None:
    rows = ((own >= 0) & (own < scores.shape[1])).nonzero().squeeze(1)
    scores[rows, own[rows]] = -torch.inf


def _stable_top_k(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Like ``torch.topk``, but of equal scores the earlier one comes first."""
    extra = min(k + 1, scores.shape[1])
    values, positions = scores.topk(extra, dim=1)
    tied = (values[:, k - 1 : k] == values[:, k:]).any(1).nonzero().squeeze(1)
    positions = positions.sort(dim=1).values
    order = scores.gather(1, positions).sort(dim=1, descending=True, stable=True)
    values, positions = order.values[:, :k], positions.gather(1, order.indices)[:, :k]
    if len(tied):  # topk took any of those that share the last place
        exact = scores[tied].sort(dim=1, descending=True, stable=True)
        values[tied], positions[tied] = exact.values[:, :k], exact.indices[:, :k]
    return values, positions


def _merge(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor], k: int) -> tuple[Tensor, Tensor]:
    """The best k of two ranked lists, those of ``left`` first where scores are equal."""
    if left[0].shape[1] == 0:
        return right
    scores = torch.cat([left[0], right[0]], dim=1)
    positions = torch.cat([left[1], right[1]], dim=1)
    order = scores.sort(dim=1, descending=True, stable=True)
    return order.values[:, :k], positions.gather(1, order.indices)[:, :k]


def _faiss(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], k: int, own: NDArray[np.int64]
) -> NDArray[np.int64]:
    try:
        import faiss
    except ImportError as error:
        raise MissingDependencyError("faiss-cpu", "the search backend 'faiss'", "faiss") from error
    distances, positions = faiss.knn(
        np.ascontiguousarray(queries),
        np.ascontiguousarray(gallery),
        min(k + 1, len(gallery)),
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    hidden = positions == np.where(own == NOTHING, -2, own)[:, None]
    keys = (positions, np.where(hidden, np.inf, -distances))
    order = np.lexsort(keys, axis=1)[:, :k]
    positions = np.where(hidden, NOTHING, positions)
    found: NDArray[np.int64] = np.take_along_axis(positions, order, axis=1).astype(np.int64)
    return found
