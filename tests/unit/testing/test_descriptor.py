"""Each check of descriptors fails a descriptor that is broken in that one way."""

import re

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from m5kit.api import Descriptor, Inputs
from m5kit.nn.pooling import length_mean
from m5kit.testing import check_descriptor


class Good(Descriptor):
    """The mean of the steps."""

    def __init__(self, *, width: int = 4) -> None:
        super().__init__(blocks=(width,))

    def measure(self, inputs):
        return length_mean(inputs.values, inputs.lengths)

    @classmethod
    def example(cls):
        generator = torch.Generator().manual_seed(0)
        steps = [torch.randn(length, 4, generator=generator) for length in (5, 3, 1)]
        return cls(), Inputs.stack([Inputs.single(each) for each in steps])


class Unrelated(nn.Module):
    pass


class Untyped(Good):
    def __init__(self, *, width=4) -> None:
        super().__init__(width=width)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class DropsAlways(Good):
    def forward(self, inputs):
        return dropout(super().forward(inputs), 0.5)


class Forgets(Good):
    def __init__(self, *, width: int = 4) -> None:
        super().__init__(width=width)
        self.secret = [torch.rand(())]

    def forward(self, inputs):
        return super().forward(inputs) * self.secret[0]


class HoldsALambda(Good):
    def __init__(self, *, width: int = 4) -> None:
        super().__init__(width=width)
        self.activation = lambda values: values


class SaysAnotherWidth(Good):
    def __init__(self, *, width: int = 4) -> None:
        super().__init__(width=width)
        self.width = width + 1


class GrowsLong(Good):
    def forward(self, inputs):
        return 2 * super().forward(inputs)


class Learns(Good):
    def __init__(self, *, width: int = 4) -> None:
        super().__init__(width=width)
        self.factor = nn.Parameter(torch.ones(()))


class FitsInSilence(Good):
    def fit(self, measured):
        self.learn(measured)


class ReadsThePadding(Good):
    def measure(self, inputs):
        return inputs.values.mean(1)


class MixesItems(Good):
    def measure(self, inputs):
        return super().measure(inputs) + inputs.values.mean() * torch.arange(4.0)


class DividesByTheSpread(Good):
    def learn(self, measured):
        super().learn(measured)
        self.scale.copy_(1 / measured.std(0))


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Descriptor"),
    "constructor_is_explicit": (Untyped, "'width' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (DropsAlways, "the vectors differs for a second call"),
    "state_dict_round_trip": (Forgets, "the vectors differs for the instance"),
    "pickles": (HoldsALambda, "it raised"),
    "vectors_have_the_width": (SaysAnotherWidth, "the blocks say"),
    "vectors_have_unit_length": (GrowsLong, "lengths are"),
    "nothing_is_trained": (Learns, "factor would be trained"),
    "fit_is_remembered": (FitsInSilence, "call super"),
    "padding_does_not_leak": (ReadsThePadding, "rubbish in the padding"),
    "items_are_independent": (MixesItems, "item 0 alone"),
    "one_item_can_be_all": (DividesByTheSpread, "NaN or infinity"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_descriptor_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("descriptors", part, rule))


def test_every_check_has_a_broken_descriptor(covers):
    covers("descriptors", BROKEN)


def test_a_good_descriptor_passes():
    assert check_descriptor(Good).ok
