import numpy as np
import pytest

from m5kit.evaluation.base import Embedded


@pytest.fixture
def make():
    """Items ``PREFIX0``, ``PREFIX1``, ... of random vectors around a centre for each class."""

    def make_items(classes, prefix="item", seed=0, width=8, apart=1.0, **labels):
        generator = np.random.default_rng(seed)
        _, number = np.unique(np.array(classes), return_inverse=True)
        centres = apart * np.random.default_rng(99).normal(size=(number.max() + 1, width))
        vectors = centres[number] + generator.normal(size=(len(number), width))
        return Embedded(np.array([f"{prefix}{i}" for i in range(len(number))]), vectors, {"kind": classes, **labels})

    return make_items
