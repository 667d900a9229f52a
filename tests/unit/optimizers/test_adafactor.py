"""What the settings become."""

import torch
from torch import nn

from m5kit.registry import OPTIMIZERS


def _group(**settings):
    parameter = nn.Parameter(torch.ones(2, 3))
    optimizer = OPTIMIZERS.build({"type": "adafactor", **settings}).build(
        [{"params": [parameter], "lr": 0.1, "weight_decay": 0.3}]
    )
    return optimizer.param_groups[0]


def test_settings():
    group = _group(beta2_decay=-0.5, threshold=2.0)
    assert (group["beta2_decay"], group["d"], group["lr"], group["weight_decay"]) == (-0.5, 2.0, 0.1, 0.3)
