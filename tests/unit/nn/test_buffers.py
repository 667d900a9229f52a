import torch
from torch import nn

from m5kit.nn.buffers import copy_buffers, with_buffers


def test_buffers_come_back_also_after_an_error():
    module = nn.Sequential(nn.BatchNorm1d(2))
    before = copy_buffers(module)
    try:
        with with_buffers(module, {"0.running_mean": torch.full((2,), 7.0)}):
            assert module[0].running_mean.tolist() == [7.0, 7.0]
            raise ValueError
    except ValueError:
        pass
    assert all(torch.equal(before[name], buffer) for name, buffer in module.named_buffers())


def test_a_graph_that_was_built_on_a_buffer_stays_valid():
    module = nn.BatchNorm1d(1).eval()
    values = torch.ones(3, 1, requires_grad=True)
    with with_buffers(module, {"running_mean": torch.ones(1), "running_var": torch.full((1,), 4.0)}):
        total = module(values).sum()
    total.backward()
    assert torch.allclose(values.grad, torch.full((3, 1), 0.5), atol=1e-4)


def test_copies_do_not_follow():
    module = nn.BatchNorm1d(1)
    copies = copy_buffers(module)
    module(torch.randn(5, 1))
    assert copies["running_mean"].item() == 0 != module.running_mean.item()
