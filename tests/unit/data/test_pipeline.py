"""A pipeline adds noise in training alone, another amount at every visit."""

import numpy as np
import torch

from m5kit.data.pipeline import Pipeline
from m5kit.data.transforms.base import Transform
from m5kit.structures import Inputs


class Given:
    """A decoder of what it is given."""

    def __call__(self, reference, root):
        return torch.linspace(-3, 5, 4_000)


class Plain(Transform):
    def __call__(self, decoded, generator=None):
        return Inputs.single(decoded)

    def blank(self):
        return Inputs.single(torch.zeros(1))

    def provides(self):
        return {}


def moved(pipeline, *seeds):
    """By how many deviations each pass of an item differs from what its decoder gives."""
    inputs = pipeline.prepare(None, None, *map(np.random.default_rng, seeds))
    plain = Given()(None, None)
    passes = (inputs, inputs.again) if inputs.again is not None else (inputs,)
    return [float((each.values - plain).std() / plain.std()) for each in passes]


def test_noise_is_drawn_in_training_up_to_its_amount():
    pipeline = Pipeline(Given(), Plain(), noise=0.5)
    assert moved(pipeline) == [0.0]
    amounts = [moved(pipeline, seed)[0] for seed in range(40)]
    assert 0.25 < max(amounts) <= 0.52
    assert 0.0 < np.median(amounts) < 0.1  # most visits are nearly clean
    assert moved(Pipeline(Given(), Plain()), 0) == [0.0]


def test_both_passes_of_an_item_have_noise_of_their_own():
    first, second = moved(Pipeline(Given(), Plain(), noise=0.5), 0, 1)
    assert min(first, second) > 0
    assert first != second
