import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from m5kit.nn import packing as packings
from m5kit.nn import varlen
from m5kit.nn.attention import SelfAttention
from m5kit.nn.packing import Packing

LENGTHS, SIZE = torch.tensor([3, 0, 5, 1]), 6


def reference(query, key, value, starts, others, longest, other_longest):
    """What torch documents of ``varlen_attn``, item by item."""
    assert torch.equal(starts, others)
    assert longest == other_longest >= starts.diff().max()
    mixed = torch.zeros_like(query)
    for first, last in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        heads = [part[first:last].transpose(0, 1) for part in (query, key, value)]
        if last > first:
            mixed[first:last] = F.scaled_dot_product_attention(*heads).transpose(0, 1)
    return mixed


@pytest.fixture
def with_kernel(monkeypatch):
    """As on a GPU that has the kernel."""
    calls = []
    monkeypatch.setattr(varlen, "has_kernel", lambda device: True)
    monkeypatch.setattr(varlen._library(), "varlen_attn", lambda *given: calls.append(given) or reference(*given))
    return calls


def both_ways(module, values, packing):
    """Output and gradients by a padded grid and by the kernel."""
    found = []
    for each in (packings.replace(packing, starts=None), packing):
        given = values.clone().requires_grad_()
        out = module(given, each)
        out.float().square().sum().backward()
        found.append((out.detach(), given.grad, module.project.weight.grad.clone()))
        module.zero_grad()
    return found


def test_it_is_the_attention_over_a_grid(with_kernel):
    torch.manual_seed(0)
    module = SelfAttention(dim=16, heads=2).to(torch.bfloat16)
    packing = Packing.from_lengths(LENGTHS, SIZE)
    grid, packed = both_ways(module, torch.randn(9, 16, dtype=torch.bfloat16), packing)
    assert len(with_kernel) == 1
    for ours, theirs in zip(packed, grid, strict=True):
        assert_close(ours, theirs, atol=0.02, rtol=0.02)


@pytest.mark.parametrize(
    ("dim", "heads", "kind"), [(16, 2, torch.float32), (24, 2, torch.bfloat16), (528, 2, torch.bfloat16)]
)
def test_what_the_kernel_does_not_take_goes_over_a_grid(with_kernel, dim, heads, kind):
    module = SelfAttention(dim=dim, heads=heads).to(kind)
    module(torch.randn(9, dim, dtype=kind), Packing.from_lengths(LENGTHS, SIZE))
    assert not with_kernel


def test_items_begin_where_those_before_them_end(with_kernel):
    assert Packing.from_lengths(LENGTHS, SIZE).starts.tolist() == [0, 3, 3, 8, 9]
    assert Packing.from_lengths(torch.tensor([2, 2]), 2).starts.tolist() == [0, 2, 4]  # a full grid as well
    assert Packing.from_lengths(LENGTHS, SIZE).dense().starts is None


def test_a_host_asks_for_nothing():
    assert not varlen.has_kernel(torch.device("cpu"))
    assert varlen.starts_of(LENGTHS, "cpu") is None
    assert Packing.from_lengths(LENGTHS, SIZE).starts is None


@pytest.mark.gpu
def test_a_gpu_gives_what_a_grid_gives():
    device = torch.device("cuda")
    if not varlen.has_kernel(device):
        pytest.skip("this GPU, or this build of torch, has no attention of variable length")
    torch.manual_seed(0)
    module = SelfAttention(dim=64, heads=2).to(device, torch.bfloat16)
    packing = Packing.from_lengths(LENGTHS, SIZE, device)
    grid, packed = both_ways(module, torch.randn(9, 64, dtype=torch.bfloat16, device=device), packing)
    for ours, theirs in zip(packed, grid, strict=True):
        assert_close(ours, theirs, atol=0.02, rtol=0.02)
