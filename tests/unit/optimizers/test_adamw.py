"""What the settings become."""

import torch
from torch import nn

from m5kit.registry import OPTIMIZERS


def _group(**settings):
    parameter = nn.Parameter(torch.ones(2, 3))
    optimizer = OPTIMIZERS.build({"type": "adamw", **settings}).build(
        [{"params": [parameter], "lr": 0.1, "weight_decay": 0.3}]
    )
    return optimizer.param_groups[0]


def test_torchs_defaults_in_its_fused_form():
    group = _group()
    assert (group["betas"], group["eps"], group["fused"]) == ((0.9, 0.999), 1e-8, True)
    assert (group["lr"], group["weight_decay"]) == (0.1, 0.3)


def test_settings():
    assert _group(betas=[0.9, 0.95])["betas"] == (0.9, 0.95)
