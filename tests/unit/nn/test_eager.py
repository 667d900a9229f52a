"""The optimizers of a run compute what torch's do, and import no compiler."""

import subprocess
import sys
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from m5kit.nn.eager import eager
from m5kit.registry import OPTIMIZERS


def _steps(optimizer, weight, count=3):
    for number in range(count):
        weight.grad = torch.full_like(weight, number - 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return weight.detach()


@pytest.mark.parametrize("kind", [AdamW, SGD])
def test_the_steps_are_torchs_own(kind):
    weights = [nn.Parameter(torch.linspace(-1, 1, 6).view(2, 3)) for _ in range(2)]
    ours, theirs = (made([weight], lr=0.1) for made, weight in zip((eager(kind), kind), weights, strict=True))
    assert torch.equal(_steps(ours, weights[0]), _steps(theirs, weights[1]))
    assert isinstance(ours, kind)
    assert str(ours.state_dict()) == str(theirs.state_dict())
    assert type(ours).__name__ == kind.__name__


def test_a_state_goes_on_in_torchs_own_and_back():
    weights = [nn.Parameter(torch.ones(3)) for _ in range(2)]
    ours, theirs = eager(AdamW)([weights[0]], lr=0.1), AdamW([weights[1]], lr=0.1)
    _steps(ours, weights[0])
    theirs.load_state_dict(deepcopy(ours.state_dict()))  # two optimizers must not update one state
    ours.load_state_dict(deepcopy(theirs.state_dict()))
    weights[1].data.copy_(weights[0])
    assert torch.equal(_steps(ours, weights[0]), _steps(theirs, weights[1]))


def test_a_step_records_no_gradient_and_calls_its_hooks():
    weight = nn.Parameter(torch.ones(3))
    optimizer = eager(AdamW)([weight], lr=0.1)
    called = []
    optimizer.register_step_post_hook(lambda *given: called.append(given[0]))
    _steps(optimizer, weight, count=1)
    assert called == [optimizer]
    assert weight.is_leaf
    assert not optimizer.state[weight]["exp_avg"].requires_grad


@pytest.mark.parametrize("name", OPTIMIZERS.names())
def test_no_optimizer_imports_the_compiler(name):
    code = f"""
import sys, torch
from torch import nn
from m5kit.training.optim import build_optimizer
model = nn.Linear(3, 2)
optimizer = build_optimizer(model, {{"type": {name!r}}}, lr=0.1, weight_decay=0.3)
model(torch.ones(2, 3)).sum().backward()
optimizer.step()
optimizer.zero_grad()
optimizer.load_state_dict(optimizer.state_dict())
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
