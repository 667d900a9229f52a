"""Shards learn what a whole model learns, and their state is that of a whole one, for any number of processes."""

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from m5kit.parallel import pieces
from m5kit.parallel.gradients import GradientSum
from m5kit.parallel.group import Group
from m5kit.parallel.replica import Replica
from m5kit.parallel.sharding import Shards

ROWS = 12


class Model(nn.Module):
    """Two parts that only some rows need, one that nobody needs, and small things beside them."""

    def __init__(self):
        super().__init__()
        self.every = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))
        self.some = nn.Linear(3, 4)
        self.some.frozen = nn.Parameter(torch.ones(4), requires_grad=False)
        self.nobody = nn.Linear(2, 2)
        self.head = nn.Linear(4, 1)
        self.scale = nn.Parameter(torch.ones(()))

    def units(self):
        return [(self.every, "forward"), (self.some, "forward"), (self.nobody, "forward")]

    def loss(self, rows, replica, needed):
        mixed = self.every(rows)
        if needed:
            mixed = mixed + self.some(rows) * self.some.frozen
        else:
            replica.pass_by(self.some)
        return (self.scale * self.head(mixed)).square().sum()


def make():
    torch.manual_seed(0)
    return Model().double()


def rows_of(rank, size):
    rows = torch.randn(ROWS, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return rows.tensor_split(size)[rank]


def train(model, replica, group, steps, optimizer=None, whole=False):
    """Steps in which only the first third of the rows, so the first process, needs a part."""
    optimizer = optimizer or AdamW([replica.trained(parameter) for parameter in model.parameters()], lr=0.1)
    gradients = GradientSum(replica, group)
    for _ in range(steps):
        if group.size == 1:
            first, rest = rows_of(0, 1).split([ROWS // 3, ROWS - ROWS // 3])
            (model.loss(first, replica, True) + model.loss(rest, replica, False)).backward()
        elif whole:
            with replica.whole(learns=True):
                go_back(model, replica, group)
        else:
            go_back(model, replica, group)
        gradients.reduce()
        optimizer.step()
        optimizer.zero_grad()
    return optimizer


def go_back(model, replica, group):
    rows, least = rows_of(group.rank, group.size), ROWS // 3
    loss = model.loss(rows[:least], replica, needed=group.first)
    if group.size == 2:  # each has more rows than the third that needs the part, or that does not
        loss = loss + model.loss(rows[least:], replica, needed=False)
    replica.linked(loss).backward()


def sharded(group, steps, whole=False):
    model = make()
    shards = Shards(model, model.units(), group)
    optimizer = train(model, shards, group, steps, whole=whole)
    return model, optimizer, shards


def alone(steps):
    model = make()
    optimizer = train(model, Replica(model), Group(), steps)
    return model.state_dict(), optimizer.state_dict()


@pytest.mark.parametrize("whole", [False, True], ids=["gathered by part", "gathered whole"])
@pytest.mark.parametrize("size", [2, 3])
def test_shards_take_the_steps_of_a_whole_model(on_ranks, size, whole):
    weights, state = alone(3)

    def one_process(group):
        model, optimizer, shards = sharded(group, 3, whole)
        saved, saved_state = shards.saved(model, optimizer)
        return dict(saved.state_dict()), saved_state.state_dict()

    (found, found_state), *_ = on_ranks(size, one_process)
    torch.testing.assert_close(found, weights, rtol=1e-9, atol=1e-12)
    assert found_state["state"].keys() == state["state"].keys()  # what nobody used has no state
    for index, values in state["state"].items():
        torch.testing.assert_close(found_state["state"][index], values, rtol=1e-9, atol=1e-12)


def test_each_process_holds_a_part(on_ranks):
    def one_process(group):
        model, _, shards = sharded(group, 0)
        names = [name for name, parameter in model.named_parameters() if pieces.is_sharded(parameter)]
        return names, sum(piece.numel() for piece in shards.pieces())

    whole = make()
    names, first = on_ranks(2, one_process)[0]
    kept = ("some.frozen", "head.weight", "head.bias", "scale")
    assert names == [name for name, _ in whole.named_parameters() if name not in kept]
    assert first == sum((len(p) + 1) // 2 * p[0].numel() for n, p in whole.named_parameters() if n in names)


@pytest.mark.parametrize("size", [1, 3])
def test_a_state_moves_to_any_number_of_processes_to_the_bit(on_ranks, size):
    def two(group):
        model, optimizer, shards = sharded(group, 2)
        saved, state = shards.saved(model, optimizer)
        return dict(saved.state_dict()), state.state_dict()

    weights, state = on_ranks(2, two)[0]

    def others(group):
        model = make()
        replica = Replica(model) if group.size == 1 else Shards(model, model.units(), group)
        optimizer = AdamW([replica.trained(parameter) for parameter in model.parameters()], lr=0.1)
        into_model, into_optimizer = replica.restoring(model, optimizer)
        into_model.load_state_dict(weights)
        into_optimizer.load_state_dict(state)
        saved, saved_state = replica.saved(model, optimizer)
        return dict(saved.state_dict()), saved_state.state_dict()

    found, found_state = on_ranks(size, others)[0] if size > 1 else others(Group())
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    for index, values in state["state"].items():
        assert all(torch.equal(found_state["state"][index][name], value) for name, value in values.items())
