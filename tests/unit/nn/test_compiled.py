import copy

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn import compiled
from m5kit.nn.transformer import TransformerStack

BATCHES = [([5, 2, 3], 5), ([4, 1, 3], 4), ([7, 2, 3, 6], 7), ([3, 3], 3), ([2, 2, 2], 2), ([1, 0], 1)]
"""Lengths of items and the size of their grid; some fill it."""


def steps(stack, device):
    """Outputs and gradients, gone back twice as a step with chunks does."""
    found = []
    for lengths, size in BATCHES:
        values = torch.linspace(-1, 1, len(lengths) * size * 16, device=device).view(len(lengths), size, 16)
        out = stack(values, torch.tensor(lengths))
        loss = out.square().sum()
        torch.autograd.grad(loss, list(stack.parameters()), retain_graph=True)
        found += [out.detach(), *torch.autograd.grad(loss, list(stack.parameters()))]
    return found


def require_same(device, backend):
    torch.manual_seed(0)
    plain = TransformerStack(dim=16, layers=2, heads=2).to(device)
    fast = copy.deepcopy(plain)
    assert compiled.compile_blocks(fast, backend) == 2
    assert fast.state_dict().keys() == plain.state_dict().keys()
    torch._dynamo.utils.counters.clear()
    for ours, theirs in zip(steps(fast, device), steps(plain, device), strict=True):
        assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
    assert not torch._dynamo.utils.counters["graph_break"]
    # padded or not, and whether the input has a gradient; not one for each batch
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= 6  # of two blocks


@pytest.mark.slow
def test_compiled_blocks_compute_the_same_for_batches_of_all_sizes():
    require_same(torch.device("cpu"), "aot_eager")  # everything but the code that a C compiler would make of it


def test_a_machine_that_cannot_compile_says_so(monkeypatch):
    def broken(function, backend):
        raise RuntimeError("no C++ compiler was found\nand a long story")

    monkeypatch.setattr(torch, "compile", broken)
    wanted = r"schedule\.compile: torch cannot compile for cpu here \(no C\+\+ compiler was found\); leave it out"
    with pytest.raises(ConfigError, match=wanted):
        compiled.compile_blocks(TransformerStack(dim=16, layers=1, heads=2))


@pytest.mark.gpu
def test_a_gpu_compiles_them():
    require_same(torch.device("cuda"), "inductor")
