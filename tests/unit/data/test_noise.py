"""Noise is as strong as it says, by the item's own values, and keeps their type."""

import numpy as np
import pytest
import torch

from m5kit.data.noise import with_noise
from m5kit.structures import Inputs


def noisy(values, strength, seed=0):
    return with_noise(Inputs.single(values), strength, np.random.default_rng(seed)).values


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_noise_is_as_strong_as_it_says(strength):
    values = torch.linspace(-3, 5, 20_000)
    assert float((noisy(values, strength) - values).std() / values.std()) == pytest.approx(strength, rel=0.02)


def test_noise_of_bytes_stays_in_their_range():
    loud = noisy(torch.arange(256, dtype=torch.uint8).repeat(3).view(3, 16, 16), 3.0)
    assert loud.dtype == torch.uint8
    assert (int(loud.min()), int(loud.max())) == (0, 255)


@pytest.mark.parametrize("values", [torch.full((8, 8), 90, dtype=torch.uint8), torch.tensor([3.0])])
def test_what_is_even_stays_as_it_is(values):
    assert torch.equal(noisy(values, 0.5), values)
