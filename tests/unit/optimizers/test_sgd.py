"""What the settings become."""

import torch
from torch import nn

from m5kit.registry import OPTIMIZERS


def _group(**settings):
    parameter = nn.Parameter(torch.ones(2, 3))
    optimizer = OPTIMIZERS.build({"type": "sgd", **settings}).build(
        [{"params": [parameter], "lr": 0.1, "weight_decay": 0.3}]
    )
    return optimizer.param_groups[0]


def test_momentum_looks_ahead_only_if_there_is_some():
    assert (_group()["momentum"], _group()["nesterov"]) == (0.9, True)
    assert (_group(momentum=0.0)["nesterov"], _group(nesterov=False)["nesterov"]) == (False, False)
