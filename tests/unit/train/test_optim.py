"""Decay touches matrices only, the learning rate follows the schedule, and clipping leaves the norm on the device."""

import pytest
import torch
from torch import nn

from m5kit.config import Schedule
from m5kit.train.optim import build_optim_wrapper, build_schedulers


def _wrapper(**schedule):
    torch.manual_seed(0)
    return build_optim_wrapper(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)), Schedule(**schedule))


def test_only_matrices_decay():
    wrapper = _wrapper(weight_decay=0.3)
    decayed = {p.shape: group["weight_decay"] for group in wrapper.optimizer.param_groups for p in group["params"]}
    assert decayed == {(2, 3): 0.3, (2,): 0.0}


@pytest.mark.parametrize(
    ("decay", "expected"),
    [("linear", [1.0, 0.5]), ("cosine", [1.0, 0.5]), ("none", [1.0, 1.0])],
)
def test_the_learning_rate_rises_then_falls(decay, expected):
    schedule = Schedule(max_steps=12, warmup=1 / 6, lr=1.0, decay=decay)
    wrapper = build_optim_wrapper(nn.Linear(2, 2), schedule)
    schedulers = build_schedulers(wrapper, schedule)
    rates = []
    for _ in range(12):
        rates.append(wrapper.optimizer.param_groups[0]["lr"])
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert rates[0] == pytest.approx(1 / 3)
    assert [rates[2], rates[7]] == pytest.approx(expected)
    assert wrapper.optimizer.param_groups[0]["lr"] == pytest.approx(0.0 if decay != "none" else 1.0, abs=1e-9)


def test_clipping_bounds_the_update_and_keeps_the_norm():
    wrapper = _wrapper(clip=1e-3)
    parameter = wrapper.optimizer.param_groups[0]["params"][0]
    wrapper.backward((parameter * 100).sum())
    wrapper.step()
    assert parameter.grad.norm() == pytest.approx(1e-3, rel=1e-3)
    assert wrapper.grad_norm == pytest.approx(100 * 6**0.5)


def test_bf16_computes_in_bf16_on_any_device():
    wrapper = _wrapper(precision="bf16")
    layer = nn.Linear(2, 2)
    with wrapper.optim_context(layer):
        assert layer(torch.ones(1, 2)).dtype is torch.bfloat16
