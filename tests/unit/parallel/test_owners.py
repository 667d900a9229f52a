"""Optimizers that read whole matrices update pieces as they update a whole model, to the bit."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from m5kit.parallel import pieces
from m5kit.parallel.group import Group
from m5kit.parallel.replica import Replica
from m5kit.parallel.sharding import Shards
from m5kit.registry import OPTIMIZERS
from m5kit.training.optim import build_optimizer

STEPS = 4
BY_OWNERS = ("adafactor", "muon")


class Model(nn.Module):
    """Two parts of pieces, a parameter that learns now and then, one of another type, and a copy."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Sequential(nn.Linear(7, 5), nn.Conv1d(5, 3, 2))
        self.second = nn.ParameterDict(
            {"table": nn.Parameter(torch.randn(1, 9)), "rare": nn.Parameter(torch.randn(6, 4))}
        )
        self.head = nn.Linear(4, 2)

    def units(self):
        return [(self.first, "forward"), (self.second, "forward")]


def gradient_of(name, parameter, step):
    """Of the whole parameter, the same on all processes; none in every other step for one of them."""
    if "rare" in name and step % 2:
        return None
    generator = torch.Generator().manual_seed(100 * step + len(name) + parameter.numel())
    return torch.randn(parameter.shape, generator=generator)


def take_steps(model, replica, optimizer, steps):
    for step in steps:
        for group in optimizer.param_groups:
            group["lr"] = 0.1 / (step + 1)
        for name, parameter in model.named_parameters():
            gradient = gradient_of(name, parameter, step)
            replica.trained(parameter).grad = None if gradient is None else pieces.piece_of(gradient, parameter).clone()
        optimizer.step()


def begin(group, kind):
    model = Model()
    replica = Replica(model) if group.size == 1 else Shards(model, model.units(), group)
    return model, replica, build_optimizer(model, {"type": kind}, lr=0.1, weight_decay=0.05, replica=replica)


def end(model, replica, optimizer):
    saved, state = replica.saved(model, optimizer)
    return dict(saved.state_dict()), state.state_dict()


def train(group, kind):
    model, replica, optimizer = begin(group, kind)
    take_steps(model, replica, optimizer, range(STEPS))
    return end(model, replica, optimizer)


def require_same(found, expected):
    (weights, state), (whole, whole_state) = found, expected
    assert weights.keys() == whole.keys()
    assert all(torch.equal(weights[name], whole[name]) for name in whole)
    assert state["param_groups"] == whole_state["param_groups"]
    assert state["state"].keys() == whole_state["state"].keys()
    for number, values in whole_state["state"].items():
        assert values.keys() == state["state"][number].keys()
        assert all(
            torch.equal(torch.as_tensor(state["state"][number][name]), torch.as_tensor(v)) for name, v in values.items()
        )


def test_these_are_all_that_read_whole_matrices():
    assert [name for name in sorted(OPTIMIZERS.built_ins) if not OPTIMIZERS.get(name).elementwise] == list(BY_OWNERS)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("kind", BY_OWNERS)
def test_pieces_take_the_steps_of_a_whole_model(on_ranks, kind, size):
    require_same(on_ranks(size, train, kind)[0], train(Group(), kind))


@pytest.mark.parametrize("kind", BY_OWNERS)
def test_a_state_moves_to_any_number_of_processes(on_ranks, kind):
    def goes_on(group, weights, state):
        model, replica, optimizer = begin(group, kind)
        into_model, into_optimizer = replica.restoring(model, optimizer)
        into_model.load_state_dict(weights)
        into_optimizer.load_state_dict(deepcopy(state))  # an optimizer may go on in the memory of what it is given
        take_steps(model, replica, optimizer, range(STEPS, 2 * STEPS))
        return end(model, replica, optimizer)

    saved = on_ranks(2, train, kind)[0]
    expected = goes_on(Group(), *saved)
    require_same(on_ranks(3, goes_on, *saved)[0], expected)


def test_each_process_has_the_state_of_what_it_owns(on_ranks):
    def numbers(group):
        model, replica, optimizer = begin(group, "muon")
        take_steps(model, replica, optimizer, [0])
        state = optimizer.state_dict()["state"]
        held = sum(value.numel() for values in state.values() for value in values.values() if value.dim())
        memory = sum(each.whole.untyped_storage().nbytes() for each in optimizer.owned.values())
        return held, memory, len(optimizer.owned)

    whole = sum(parameter.numel() for parameter in Model().parameters())
    found = on_ranks(2, numbers)
    for held, memory, owned in found:
        assert held < 0.8 * 2 * whole
        assert memory == 4 * owned  # between steps a number each
