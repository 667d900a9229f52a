"""A step that is not finite changes nothing; the others are plain optimiser steps."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from m5kit.models.base import MicroBatch, Model, PartialLoss
from m5kit.structures import Batch, Mean
from m5kit.training.step import TrainStep, guarded_step


class Towards(Model):
    """Pulls one parameter towards the positions of the items; an item at position 99 is infinite."""

    objectives = ("pull",)

    def __init__(self):
        super().__init__()
        self.at = nn.Parameter(torch.zeros(3))

    def prepare(self, batch, seed):
        return MicroBatch(batch, {"pull": float(len(batch))}, seed)

    def partial_loss(self, part, totals):
        goals = part.batch.positions.double().where(part.batch.positions != 99, torch.inf)
        loss = (self.at[:, None] - goals.float()).square().sum() / totals["pull"]
        return PartialLoss(loss, loss.detach()[None], None, {"loss/pull": Mean(loss.detach(), part.counts["pull"])})


def batch(*positions):
    count = len(positions)
    present = torch.ones(count, 1, dtype=torch.bool)
    return Batch(("x",) * count, ("a",), present, {}, positions=torch.tensor(positions))


OPTIMIZERS = {
    "fused": lambda p: AdamW(p, lr=0.1, fused=True),
    "plain": lambda p: AdamW(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_step_that_is_not_finite_leaves_parameters_and_state_alone(kind):
    model = Towards()
    optimizer = OPTIMIZERS[kind](model.parameters())
    step = TrainStep(model, optimizer, 1.0, "fp32", 0)
    step([batch(1, 2)])
    weights = model.at.detach().clone()
    state = {name: value.clone() for name, value in optimizer.state[model.at].items() if value is not None}
    assert not step([batch(1), batch(99)])["loss"].isfinite()
    assert torch.equal(model.at, weights)
    assert all(torch.equal(optimizer.state[model.at][name], value) for name, value in state.items())
    step([batch(1, 2)])
    assert not torch.equal(model.at, weights)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_finite_step_is_the_optimisers_own(kind):
    one, other = Towards(), Towards()
    ours, theirs = OPTIMIZERS[kind](one.parameters()), OPTIMIZERS[kind](other.parameters())
    for number in range(4):
        for model, optimizer in ((one, ours), (other, theirs)):
            model.at.grad = torch.full((3,), float(number))
            guarded_step(ours, torch.tensor(True)) if optimizer is ours else optimizer.step()
    assert torch.equal(one.at, other.at)


def test_the_mean_is_over_the_items_of_all_micro_batches():
    model = Towards()
    logs = TrainStep(model, SGD(model.parameters(), lr=0.5), None, "fp32", 0)([batch(1, 2, 3), batch(10)])
    assert model.at.tolist() == [4.0] * 3
    assert logs["loss"] == 3 * (1 + 4 + 9 + 100) / 4
