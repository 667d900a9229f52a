"""Exact nearest neighbours in blocks: a gallery of millions in bounded memory.

Shape letters: q query, g gallery item, d width, k top-k.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m5kit.errors import ConfigError, MissingDependencyError
from m5kit.evaluation.functional.blocks import as_tensor, hide_own
from m5kit.evaluation.functional.search_cpu import SearchOnCpu

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
    query_block: int = 512,
    gallery_block: int = 8192,
    device: torch.device | str | None = None,
) -> NDArray[np.int64]:
    """Positions ``q k`` of the gallery items with the largest dot product, best first.

    If scores are equal, the earlier gallery item comes first. (With ``backend="faiss"``, faiss chooses which of several
    items tied for the last place it returns.) L2-normalise both sides for the cosine.

    Args:
        queries: ``q d``.
        gallery: ``g d``; a memory-mapped array is read block by block.
        k: how many; may exceed g.
        own: ``q``, the gallery position that a query must not find because it is the query itself; -1 for none.
        backend: ``"torch"``, or ``"faiss"`` if installed.
        query_block: queries scored at once.
        gallery_block: gallery items scored at once, about; memory is ``query_block * gallery_block`` floats.
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
    found = np.full((len(queries), k), NOTHING)
    k_found = min(k, len(gallery))
    if not k_found:
        return found
    if backend == "faiss":
        found[:, :k_found] = _faiss(queries, gallery, k_found, own)
    else:
        device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        # even blocks: a small last one costs a pass over all that was found before
        gallery_block = -(-len(gallery) // max(1, round(len(gallery) / gallery_block)))
        search = _searcher(gallery, k_found, min(query_block, len(queries)), gallery_block, device)
        for start in range(0, len(queries), query_block):
            part = slice(start, start + query_block)
            found[part, :k_found] = search(as_tensor(queries[part], device), own=own[part])
    return found


def _searcher(
    gallery: NDArray[np.float32], k: int, queries: int, gallery_block: int, device: torch.device
) -> Callable[..., NDArray[np.int64]]:
    """What finds the positions ``q k`` for a few queries ``q d`` and their ``own``."""
    if device.type == "cpu":
        return SearchOnCpu(gallery, k, queries, gallery_block)
    scores = torch.empty(queries * gallery_block, device=device)
    return partial(_search_on_device, gallery=gallery, k=k, gallery_block=gallery_block, buffer=scores)


def _search_on_device(
    queries: Tensor, gallery: NDArray[np.float32], k: int, own: NDArray[np.int64], gallery_block: int, buffer: Tensor
) -> NDArray[np.int64]:
    """The same search with operations that suit an accelerator."""
    best = (queries.new_empty(len(queries), 0), torch.empty(len(queries), 0, dtype=torch.int64, device=queries.device))
    for start, scores in _score_blocks(queries, gallery, own, gallery_block, buffer):
        values, positions = _stable_top_k(scores, min(k, scores.shape[1]))
        best = _merge(best, (values, positions + start), k)
    return best[1].masked_fill(best[0].isneginf(), NOTHING).cpu().numpy()


def _score_blocks(
    queries: Tensor, gallery: NDArray[np.float32], own: NDArray[np.int64], gallery_block: int, buffer: Tensor
) -> Iterator[tuple[int, Tensor]]:
    """The start of each gallery block and its scores ``q g``; the next block overwrites them."""
    here = torch.from_numpy(own).to(queries.device)
    for start in range(0, len(gallery), gallery_block):
        part = as_tensor(gallery[start : start + gallery_block], queries.device)
        # one buffer for all blocks: allocating megabytes for each costs as much as the product
        scores = buffer[: len(queries) * len(part)].view(len(queries), len(part))
        torch.matmul(queries, part.T, out=scores)
        hide_own(scores, here - start)
        yield start, scores


def _stable_top_k(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Like ``torch.topk``, but of equal scores the earlier one comes first."""
    # one more, to see whether the last place is tied
    extra = min(k + 1, scores.shape[1])
    values, positions = scores.topk(extra, dim=1)
    tied = (values[:, k - 1 : k] == values[:, k:]).any(1).nonzero().squeeze(1)
    positions = positions.sort(dim=1).values
    order = scores.gather(1, positions).sort(dim=1, descending=True, stable=True)
    values, positions = order.values[:, :k], positions.gather(1, order.indices)[:, :k]
    if len(tied):  # topk returns an arbitrary one of those that share the last place
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
    """The search with faiss; one more is asked for, so that k remain without the query itself."""
    try:
        import faiss
    except ImportError as error:
        raise MissingDependencyError("faiss-cpu", "the search backend 'faiss'", "faiss", error) from error
    distances, positions = faiss.knn(
        np.ascontiguousarray(queries),
        np.ascontiguousarray(gallery),
        min(k + 1, len(gallery)),
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    # -2, because faiss itself returns -1 where the gallery ends
    hidden = positions == np.where(own == NOTHING, -2, own)[:, None]
    keys = (positions, np.where(hidden, np.inf, -distances))
    order = np.lexsort(keys, axis=1)[:, :k]
    positions = np.where(hidden, NOTHING, positions)
    found: NDArray[np.int64] = np.take_along_axis(positions, order, axis=1).astype(np.int64)
    return found
