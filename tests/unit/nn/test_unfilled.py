import pytest
import torch
from torch import nn

from m5kit.nn.unfilled import without_values


def test_a_module_has_sizes_and_no_memory():
    with without_values():
        network = nn.Sequential(nn.Linear(3, 5), nn.Conv2d(1, 2, 3), nn.Embedding(7, 2), nn.LayerNorm(5))
    assert [tuple(p.shape) for p in network.parameters()] == [(5, 3), (5,), (2, 1, 3, 3), (2,), (7, 2), (5,), (5,)]
    assert all(p.is_meta for p in network.parameters())


@pytest.mark.parametrize(
    "fill", [nn.init.normal_, nn.init.trunc_normal_, nn.init.xavier_uniform_, torch.Tensor.normal_]
)
def test_an_initializer_returns_its_tensor(fill):
    with without_values():
        weight = torch.empty(4, 4)
        assert fill(weight) is weight


def test_what_is_on_the_host_is_filled():
    with without_values(), torch.device("cpu"):
        assert nn.init.constant_(torch.empty(2), 3.0).tolist() == [3.0, 3.0]
        assert torch.empty(100).uniform_(5.0, 6.0).min() >= 5.0
