"""Items are made up of what other processes hold as they are where one process holds everything."""

from dataclasses import replace

import pytest
import torch

from m5kit.models.donors import make_up
from m5kit.parallel.peers import GroupPeers
from m5kit.parallel.shares import shares
from m5kit.structures import Fused, Harmony, Tokens, View
from m5kit.tasks.base import Swap

ITEMS, WIDTH, MODALITIES = 7, 4, ("a", "b")
LENGTHS = {"a": torch.tensor([3, 1, 5, 2, 0, 4, 1]), "b": torch.tensor([2, 2, 1, 0, 3, 2, 6])}
SWAP = Swap(torch.tensor([0, 1, 2, 5, 6]), torch.tensor([0, 1, 1, 0, 0]), torch.tensor([5, 6, 0, 2, 1]))


def view_of(first, count):
    """Some of the items, padded to their own longest."""
    generator, own = torch.Generator().manual_seed(0), slice(first, first + count)
    encoded = {}
    for m, lengths in LENGTHS.items():
        values = torch.randn(ITEMS, 6, WIDTH, generator=generator)[own, : int(lengths[own].max())]
        encoded[m] = Tokens(values.clone().requires_grad_(), lengths[own])
    features = torch.randn(ITEMS, 2, 3, generator=generator)[own].clone().requires_grad_()
    present = torch.stack([lengths[own] > 0 for lengths in LENGTHS.values()], dim=1)
    nothing = torch.zeros(0)
    harmony, fused = Harmony(nothing, nothing, nothing), Fused({}, nothing, nothing, nothing)
    return View(MODALITIES, present, {}, encoded, features, fused, harmony)


def weigh(features, present):
    """Shares that follow the features."""
    return Harmony(features, features, features.square().sum(2))


def real(made):
    """What is behind no padding, and the features, of each made-up item."""
    rows = []
    for item in range(len(made.features)):
        tokens = [each.values[item, : each.lengths[item]].flatten() for each in made.tokens.values()]
        rows.append(torch.cat([*tokens, made.features[item].flatten()]))
    return rows


def gradients(view, made):
    """Of the sum of everything, squared."""
    total = sum(row.square().sum() for row in real(made)) + (0.0 if made.link is None else made.link)
    leaves = [*(each.values for each in view.encoded.values()), view.features]
    return torch.autograd.grad(total, leaves, allow_unused=True)


def one_process(group):
    sizes = shares(ITEMS, group.size)
    first, count = sum(sizes[: group.rank]), sizes[group.rank]
    view = view_of(first, count)
    peers = GroupPeers(group, view_of(0, ITEMS).present, sizes)
    own = (SWAP.items >= first) & (SWAP.items < first + count)
    swap = Swap(SWAP.items[own] - first, SWAP.columns[own], SWAP.donors[own])
    view = replace(view, peers=peers)
    made = make_up(view, swap, WIDTH, weigh)
    return [row.detach() for row in real(made)], gradients(view, made)


@pytest.mark.parametrize("size", [2, 3])
def test_made_up_items_and_their_gradients_are_those_of_one_process(on_ranks, size):
    whole = view_of(0, ITEMS)
    made = make_up(whole, SWAP, WIDTH, weigh)
    expected, every = real(made), gradients(whole, made)
    rows, at = [], 0
    for (found, grads), count in zip(on_ranks(size, one_process), shares(ITEMS, size), strict=True):
        rows += found
        for gradient, of_all in zip(grads, every, strict=True):
            share = of_all[at : at + count]
            share = share[:, : gradient.shape[1]] if share.dim() == 3 else share
            torch.testing.assert_close(gradient, share)
        at += count
    assert len(rows) == len(expected)
    for row, other in zip(rows, expected, strict=True):
        assert torch.equal(row, other)


def test_a_process_that_swaps_nothing_lends_all_the_same(on_ranks):
    def lends(group):
        view = view_of(0, 2) if group.first else view_of(2, 2)
        peers = GroupPeers(group, view_of(0, 4).present, [2, 2])
        nothing = torch.zeros(0, dtype=torch.int64)
        only = Swap(torch.tensor([1]), torch.tensor([0]), torch.tensor([2]))
        view = replace(view, peers=peers)
        made = make_up(view, only if group.first else Swap(nothing, nothing, nothing), WIDTH, weigh)
        return gradients(view, made)[0]

    first, second = on_ranks(2, lends)
    assert (first[1] == 0).all()  # its own tokens gave way to those of the third item
    assert (second[0] != 0).any()
    assert (second[1] == 0).all()
