"""What a pass keeps, counted by hand."""

import pytest
import torch
from torch import nn

from m5kit.nn.saved_bytes import saved_bytes


def test_inputs_and_activations_count_and_parameters_do_not():
    model, x = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 2)), torch.zeros(7, 3)
    with saved_bytes(model) as found:
        model(x)
    # the input of each layer: of the linear maps, whose weights are there anyway, and of the GELU
    assert sum(found) == 4 * (7 * 3 + 7 * 5 + 7 * 5)


def test_memory_that_is_saved_twice_counts_once():
    x = torch.ones(6, requires_grad=True)
    with saved_bytes(nn.Identity()) as found:
        y = x.exp()  # saves its result
        _ = y * y.view(2, 3).view(6)  # saves it twice more
    assert found == [24, 0, 0]


def test_memory_that_was_freed_and_is_used_again_counts_again():
    with saved_bytes(nn.Identity()) as found:
        for _ in range(3):
            torch.ones(1000, requires_grad=True).exp()
    assert found == [4000, 4000, 4000]


def test_the_pass_cannot_go_back():
    x = torch.ones(6, requires_grad=True)
    with saved_bytes(nn.Identity()):
        y = x.exp().sum()
    with pytest.raises(RuntimeError, match="leave saved_bytes for that"):
        y.backward()
