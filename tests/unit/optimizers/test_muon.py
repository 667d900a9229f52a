"""Matrices get orthogonal updates, everything else AdamW's, behind one optimizer."""

import torch
from torch import nn
from torch.optim import AdamW

from m5kit.optimizers.muon import JointOptimizer, MuonBuilder


def _parameters():
    torch.manual_seed(0)
    return nn.Parameter(torch.randn(6, 4)), nn.Parameter(torch.randn(6)), nn.Parameter(torch.randn(3, 2, 3))


def _built(parameters):
    return MuonBuilder().build([{"params": list(parameters), "lr": 0.01, "weight_decay": 0.0}])


def test_only_matrices_get_orthogonal_updates():
    matrix, vector, kernel = _parameters()
    before = matrix.detach().clone()
    optimizer = _built((matrix, vector, kernel))
    assert isinstance(optimizer, JointOptimizer)
    for parameter in (matrix, vector, kernel):
        parameter.grad = torch.randn(parameter.shape)
    optimizer.step()
    strengths = torch.linalg.svdvals(before - matrix.detach())
    assert strengths.max() / strengths.min() < 2  # Newton and Schulz's iteration is approximate


def test_vectors_alone_need_no_second_optimizer():
    assert isinstance(_built([nn.Parameter(torch.ones(3))]), AdamW)


def test_a_rate_written_after_loading_is_used():
    matrix, vector, _ = _parameters()
    optimizer = _built((matrix, vector))
    for parameter in (matrix, vector):
        parameter.grad = torch.randn(parameter.shape)
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = matrix.detach().clone(), vector.detach().clone()
    optimizer.step()
    assert torch.equal(matrix, before[0])
    assert torch.equal(vector, before[1])
