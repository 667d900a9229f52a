"""Made-up items of a pool, and all gradients, are those of a process that holds every item."""

import pytest
import torch

from m5kit.models.donors import make_up
from m5kit.models.kept_view import KeptPart, KeptView
from m5kit.models.pool import DonorPool
from m5kit.parallel.peers import GroupPeers
from m5kit.parallel.shares import shares
from m5kit.structures import ALONE
from m5kit.tasks.base import Swap

ITEMS, WIDTH, MODALITIES = 7, 4, ("a", "b")
LENGTHS = {"a": torch.tensor([3, 1, 5, 2, 0, 4, 1]), "b": torch.tensor([2, 2, 1, 0, 3, 2, 6])}
SWAP = Swap(torch.tensor([0, 1, 2, 5, 6]), torch.tensor([0, 1, 1, 0, 0]), torch.tensor([5, 6, 0, 2, 1]))


def kept_of(first, count, peers=ALONE):
    """What was kept of some of the items, padded to their own longest."""
    generator, own = torch.Generator().manual_seed(0), slice(first, first + count)
    tensors, lengths = {}, {m: every[own] for m, every in LENGTHS.items()}
    for m in MODALITIES:
        tensors[f"encoded {m}"] = torch.randn(ITEMS, 6, WIDTH, generator=generator)[own, : int(lengths[m].max())]
    tensors["features"] = torch.randn(ITEMS, 2, 3, generator=generator)[own]
    for name in ("pairs", "tasks", "shares", "pooled", "embedding", "weights"):
        tensors[name] = torch.zeros(count, 1)
    present = torch.stack([each > 0 for each in lengths.values()], dim=1)
    return KeptView(MODALITIES, KeptPart(tensors, present, lengths, {}), True, peers)


def weigh(features, present):
    """Shares that follow the features."""

    class Shares:
        modalities = features.square().sum(2)

    return Shares


def made_of(kept, swap):
    """What is behind no padding of each made-up item; the gradients of its squares stay with the view."""
    leaves = kept.leaves()
    made = make_up(kept.view(leaves), swap, WIDTH, weigh)
    rows = []
    for item in range(len(swap.items)):
        tokens = [each.values[item, : each.lengths[item]].flatten() for each in made.tokens.values()]
        rows.append(torch.cat([*tokens, made.features[item].flatten()]))
    if rows:
        sum(row.square().sum() for row in rows).backward()
    kept.add({name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None})
    return [row.detach() for row in rows]


def one_process(group):
    sizes = shares(ITEMS, group.size)
    first, count = sum(sizes[: group.rank]), sizes[group.rank]
    kept = kept_of(first, count, GroupPeers(group, kept_of(0, ITEMS).whole.present, sizes))
    own = (SWAP.items >= first) & (SWAP.items < first + count)
    pool = DonorPool.of(kept, Swap(SWAP.items[own] - first, SWAP.columns[own], SWAP.donors[own]), WIDTH, weigh)
    rows = made_of(pool.kept, pool.swap)
    pool.hand_back(kept, None)
    return rows, kept.gradients


@pytest.mark.parametrize("size", [2, 3])
def test_made_up_items_and_gradients_are_those_of_one_process(on_ranks, size):
    whole = kept_of(0, ITEMS)
    expected, found, at = made_of(whole, SWAP), [], 0
    for (rows, gradients), count in zip(on_ranks(size, one_process), shares(ITEMS, size), strict=True):
        found += rows
        for name in ("features", "encoded a", "encoded b"):
            share = whole.gradients[name][at : at + count]
            torch.testing.assert_close(gradients[name], share[:, : gradients[name].shape[1]], msg=name)
        at += count
    assert len(found) == len(expected) == len(SWAP.items)
    assert all(torch.equal(row, other) for row, other in zip(found, expected, strict=True))
