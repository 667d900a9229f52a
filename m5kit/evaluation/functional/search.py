"""Exact nearest neighbours in blocks: a gallery of millions in bounded memory.

Shape letters: q query, g gallery item, d width, k top-k.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m5kit.errors import ConfigError, MissingDependencyError
from m5kit.evaluation.functional.selection import Keys, best_keys, merge, positions, unpack

NOTHING = -1
"""Stands for "no neighbour" where fewer than k may be ranked, and for "not in the gallery"."""

BACKENDS = ("torch", "faiss")

ROWS = 64
"""Queries whose scores are ranked at once on a CPU."""


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
        search = _search_on_cpu if device.type == "cpu" else _search_on_device
        # even blocks: a small last one costs a pass over all that was found before
        gallery_block = -(-len(gallery) // max(1, round(len(gallery) / gallery_block)))
        scores = torch.empty(min(query_block, len(queries)) * gallery_block, device=device)
        for start in range(0, len(queries), query_block):
            part = slice(start, start + query_block)
            block = _tensor(queries[part], device)
            found[part, :k_found] = search(block, gallery, k_found, own[part], gallery_block, scores)
    return found


def _tensor(block: NDArray[np.float32], device: torch.device) -> Tensor:
    """A block on the device; copied if torch would warn, because a memory-mapped array may be read-only."""
    return torch.from_numpy(block if block.flags.writeable else block.copy()).to(device)


def _search_on_cpu(
    queries: Tensor, gallery: NDArray[np.float32], k: int, own: NDArray[np.int64], gallery_block: int, buffer: Tensor
) -> NDArray[np.int64]:
    """Where in the gallery the best of a few queries are, ``q k``; ``buffer`` has room for the scores of a block."""
    threads = torch.get_num_threads()
    # few rows at a time: what is made of their scores stays in the cache
    rows = min(ROWS, -(-len(queries) // threads))
    parts = [slice(first, first + rows) for first in range(0, len(queries), rows)]
    best: list[Keys | None] = [None] * len(parts)
    with ThreadPoolExecutor(threads) as pool:
        # one thread stays where the scores are: another core would have to fetch them
        each: Callable[..., Iterator[Keys]] = pool.map if threads > 1 else map
        for start, scores in _score_blocks(queries, gallery, own, gallery_block, buffer):
            tables = [scores[part].numpy() for part in parts]
            best = list(each(partial(_keep_best, k=k, start=start), best, tables))
    return np.concatenate([positions(keys, NOTHING) for keys in best if keys is not None])


def _keep_best(best: Keys | None, scores: NDArray[np.float32], k: int, start: int) -> Keys:
    """The best k of what was found before and of a block of the gallery."""
    if best is None:
        return best_keys(scores, k, start)
    least = unpack(best[:, -1])[0] if best.shape[1] == k else None
    return merge(best, best_keys(scores, k, start, least), k)


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
        part = _tensor(gallery[start : start + gallery_block], queries.device)
        # one buffer for all blocks: allocating megabytes for each costs as much as the product
        scores = buffer[: len(queries) * len(part)].view(len(queries), len(part))
        torch.matmul(queries, part.T, out=scores)
        _hide_own(scores, here - start)
        yield start, scores


def _hide_own(scores: Tensor, own: Tensor) -> None:
    """Give minus infinity to the gallery item that is the query itself, if it is in this block."""
    rows = ((own >= 0) & (own < scores.shape[1])).nonzero().squeeze(1)
    scores[rows, own[rows]] = -torch.inf


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
        raise MissingDependencyError("faiss-cpu", "the search backend 'faiss'", "faiss") from error
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
