"""Decay touches matrices only, and every optimizer gets the same groups."""

import torch
from torch import nn

from m5kit.train.optim import build_optimizer


def _groups(**settings):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))
    return build_optimizer(model, {"type": "adamw", **settings}, lr=0.1, weight_decay=0.3).param_groups


def test_only_matrices_decay():
    decayed = {p.shape: group["weight_decay"] for group in _groups() for p in group["params"]}
    assert decayed == {(2, 3): 0.3, (2,): 0.0}


def test_settings_reach_the_optimizer():
    assert [group["betas"] for group in _groups(betas=[0.8, 0.9])] == [(0.8, 0.9)] * 2
