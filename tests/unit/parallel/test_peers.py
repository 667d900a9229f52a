"""What is gathered takes gradients back to where it came from, whatever the shares."""

import pytest
import torch

from m5kit.parallel.peers import GroupPeers
from m5kit.parallel.shares import shares

ITEMS, WIDTH = 7, 3


def every_row():
    return torch.randn(ITEMS, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def objective(rows, place):
    """A part of an objective that is different on each process and not linear in the rows."""
    return (rows.sin() @ rows.T).pow(2)[place].sum() + (place + 1) * rows.prod(1).sum()


def gathered(group):
    sizes = shares(ITEMS, group.size)
    peers = GroupPeers(group, torch.ones(ITEMS, 2, dtype=torch.bool), sizes)
    own = every_row().split(sizes)[group.rank].clone().requires_grad_()
    rows = peers.rows(own)
    objective(rows, group.rank).backward()
    numbers = peers.rows(torch.arange(ITEMS).split(sizes)[group.rank])
    return peers.first, rows.detach(), own.grad, numbers


@pytest.mark.parametrize("size", [2, 3])
def test_rows_come_from_all_and_their_gradients_go_back(on_ranks, size):
    whole = every_row().requires_grad_()
    sum(objective(whole, rank) for rank in range(size)).backward()
    found = on_ranks(size, gathered)
    sizes = shares(ITEMS, size)
    assert [first for first, *_ in found] == [sum(sizes[:rank]) for rank in range(size)]
    for _, rows, _, numbers in found:
        assert torch.equal(rows, every_row())
        assert numbers.tolist() == list(range(ITEMS))
    torch.testing.assert_close(torch.cat([gradient for _, _, gradient, _ in found]), whole.grad, rtol=0, atol=1e-13)


def totalled(group):
    peers = GroupPeers(group, torch.ones(ITEMS, 2, dtype=torch.bool), shares(ITEMS, group.size))
    own = (torch.arange(3.0, dtype=torch.float64) + group.rank).requires_grad_()
    total = peers.total(own)
    (total.pow(2) * (group.rank + 1)).sum().backward()
    return total.detach(), own.grad


def test_a_total_takes_gradients_to_everybody(on_ranks):
    for total, gradient in on_ranks(2, totalled):
        assert total.tolist() == [1, 3, 5]
        assert gradient.tolist() == [6, 18, 30]  # of 3 (a + b) ** 2, whose factors of both processes are 1 + 2


def without_a_parameter(group):
    """Only the first process has rows that depend on something that learns."""
    peers = GroupPeers(group, torch.ones(2, 1, dtype=torch.bool), [1, 1])
    own = torch.ones(1, 2, requires_grad=group.first)
    rows = peers.rows(own)
    found = torch.autograd.grad((rows * 2).sum(), [*([own] if group.first else []), *peers.anchors], allow_unused=True)
    return found[0]


def test_a_process_with_nothing_to_learn_takes_part_in_the_backward_pass(on_ranks):
    first, second = on_ranks(2, without_a_parameter)
    assert first.tolist() == [[4, 4]]
    assert second is None
