"""Decay touches matrices only, and every optimizer gets the same groups."""

import pytest
import torch
from torch import nn

from m5kit.errors import ConfigError
from m5kit.models.base import Model
from m5kit.training.optim import build_optimizer, parameter_groups


def _groups(**settings):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))
    return build_optimizer(model, {"type": "adamw", **settings}, lr=0.1, weight_decay=0.3).param_groups


def test_only_matrices_decay():
    decayed = {p.shape: group["weight_decay"] for group in _groups() for p in group["params"]}
    assert decayed == {(2, 3): 0.3, (2,): 0.0}


def test_settings_reach_the_optimizer():
    assert [group["betas"] for group in _groups(betas=[0.8, 0.9])] == [(0.8, 0.9)] * 2


class _Model(Model):
    modalities = ("text",)

    def __init__(self):
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.encoders = nn.ModuleDict({"text": nn.Linear(3, 2)})
        self.backbone.fusion, self.backbone.harmonizer = nn.Linear(2, 2), nn.Identity()
        self.head = nn.Linear(2, 4)

    def prepare(self, batch, seed):
        raise NotImplementedError

    def partial_loss(self, part, totals):
        raise NotImplementedError


def test_parts_learn_at_rates_of_their_own():
    model = _Model()
    groups = parameter_groups(model, lr=0.5, weight_decay=0.0, rates={"encoder_text": 0.1, "head": 2.0})
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert rates[id(model.backbone.encoders["text"].weight)] == pytest.approx(0.05)
    assert rates[id(model.backbone.fusion.weight)] == 0.5
    assert rates[id(model.head.weight)] == 1.0
    assert groups[0]["lr"] == 0.5


def test_a_part_scales_what_its_encoder_asks_for():
    model = _Model()
    model.backbone.encoders["text"].learning_rate_scales = lambda: {"weight": 0.5}
    groups = parameter_groups(model, lr=1.0, weight_decay=0.0, rates={"encoder_text": 0.1})
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert rates[id(model.backbone.encoders["text"].weight)] == pytest.approx(0.05)
    assert rates[id(model.backbone.encoders["text"].bias)] == pytest.approx(0.1)


def test_a_model_that_is_frozen_whole_is_refused():
    with pytest.raises(ConfigError, match="freeze: nothing is left that learns"):
        build_optimizer(nn.Linear(2, 2).requires_grad_(False), {"type": "adamw"}, lr=0.1, weight_decay=0.0)
