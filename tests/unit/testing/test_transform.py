"""Each check of transforms fails a transform that is broken in that one way."""

import re

import numpy as np
import pytest
import torch

from m5kit.api import Inputs, Transform
from m5kit.testing import check_transform


class Good(Transform):
    """Numbers relative to the largest one seen, jittered in training."""

    def __init__(self, *, size: int = 4) -> None:
        self.size = size
        self.largest = 1.0

    def __call__(self, decoded, generator=None):
        values = decoded / self.largest
        if generator is not None:
            values = values + generator.normal(size=values.shape)
        return Inputs.single(torch.tensor(values[: self.size], dtype=torch.float32))

    def blank(self):
        return Inputs.single(torch.zeros(1))

    def provides(self):
        return {"size": self.size}

    def fit(self, corpus):
        self.largest = max(float(each.max()) for each in corpus)

    def state(self):
        return {"largest": self.largest}

    def load_state(self, state):
        self.largest = state["largest"]

    @classmethod
    def example(cls):
        return cls(), np.array([3.0, 1.0, 2.0])


class Unrelated:
    pass


class CatchesAll(Good):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class GivesATensor(Good):
    def __call__(self, decoded, generator=None):
        return super().__call__(decoded, generator).values


class CountsCalls(Good):
    calls = 0

    def __call__(self, decoded, generator=None):
        self.calls += 1
        return super().__call__(decoded + self.calls, generator)


class RollsItsOwnDice(Good):
    def __call__(self, decoded, generator=None):
        torch.rand(())
        return super().__call__(decoded, generator)


class WritesInPlace(Good):
    def __call__(self, decoded, generator=None):
        decoded += 1
        return super().__call__(decoded, generator)


class HoldsALambda(Good):
    def __init__(self, *, size: int = 4) -> None:
        super().__init__(size=size)
        self.function = lambda values: values


class BlankOfAnotherType(Good):
    def blank(self):
        return Inputs.single(torch.zeros(1, dtype=torch.uint8))


class ProvidesText(Good):
    def provides(self):
        return {"size": "4"}


class ForgetsWhatItLearned(Good):
    def load_state(self, state):
        pass


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Transform"),
    "constructor_is_explicit": (CatchesAll, r"it takes \*\*kwargs"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "output_is_well_formed": (GivesATensor, r"it gives a Tensor; return Inputs.single\(values\)"),
    "same_generator_gives_the_same": (CountsCalls, "two calls with one seed differ"),
    "global_randomness_is_left_alone": (RollsItsOwnDice, "it drew from torch"),
    "input_is_left_alone": (WritesInPlace, "changed in place; copy it"),
    "pickles": (HoldsALambda, "it raised"),
    "blank_goes_with_the_rest": (BlankOfAnotherType, "it is torch.uint8, real ones are torch.float32"),
    "provides_plain_numbers": (ProvidesText, "'size' is '4'"),
    "state_is_json": (ForgetsWhatItLearned, "the other instance gives something else"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_transform_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("transforms", part, rule))


def test_every_check_has_a_broken_transform(covers):
    covers("transforms", BROKEN)


def test_a_good_transform_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_transform(Good, only=rules).ran == len(rules)


def test_a_transform_that_learns_and_keeps_nothing_fails(fails):
    class Careless(Good):
        """Keeps nothing."""

        def state(self):
            return {}

    assert "return it from state()" in fails("transforms", Careless, "state_is_json")
