"""Gradients are those of the sum of all objectives; what nobody used has none."""

import torch
from torch import nn

from m5kit.parallel import gradients
from m5kit.parallel.gradients import GradientSum
from m5kit.parallel.group import Group
from m5kit.parallel.replica import Replica


def model():
    made = nn.ModuleDict({name: nn.Linear(2, 2, bias=False) for name in ("both", "one", "nobody")})
    made["wide"] = nn.Linear(2, 2, bias=False, dtype=torch.float64)
    for parameter in made.parameters():
        nn.init.ones_(parameter)
    return made


def summed(group, bucket_bytes):
    gradients.BUCKET_BYTES = bucket_bytes
    made = model()
    loss = made["both"](torch.full((1, 2), group.rank + 1.0)).sum()
    if group.first:
        loss = loss + made["one"](torch.ones(1, 2)).sum()
    loss.backward()
    GradientSum(Replica(made), group).reduce()
    return {name: parameter.grad for name, parameter in made.named_parameters()}


def test_sums_and_what_nobody_used(on_ranks):
    for bucket_bytes in (1, 2**20):
        for found in on_ranks(2, summed, bucket_bytes):
            assert found["both.weight"].tolist() == [[3, 3], [3, 3]]
            assert found["one.weight"].tolist() == [[1, 1], [1, 1]]
            assert found["nobody.weight"] is None
            assert found["wide.weight"] is None


def test_a_process_alone_keeps_its_own(monkeypatch):
    made = model()
    made["both"](torch.ones(1, 2)).sum().backward()
    own = made["both"].weight.grad
    GradientSum(Replica(made), Group()).reduce()
    assert made["both"].weight.grad is own
