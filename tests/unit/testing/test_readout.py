"""Each check of readouts fails a readout that is broken in that one way."""

import re

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from m5kit.api import Readout
from m5kit.testing import check_readout


class Good(Readout):
    """A learned scale of the mean of the tokens."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.width = dim
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, tokens):
        values = tokens.values.masked_fill(~tokens.mask[..., None], 0.0)
        return self.scale * values.sum(1) / tokens.lengths.clamp(min=1)[:, None]


class Unrelated(nn.Module):
    pass


class Untyped(Good):
    def __init__(self, *, dim) -> None:
        super().__init__(dim=dim)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class DropsAlways(Good):
    def forward(self, tokens):
        return dropout(super().forward(tokens), 0.5, training=True)


class Forgets(Good):
    def __init__(self, *, dim: int) -> None:
        super().__init__(dim=dim)
        self.secret = torch.randn(())

    def forward(self, tokens):
        return super().forward(tokens) * self.secret


class HoldsALambda(Good):
    def __init__(self, *, dim: int) -> None:
        super().__init__(dim=dim)
        self.activation = lambda values: values


class BreaksInHalf(Good):
    def forward(self, tokens):
        return super().forward(tokens) * (torch.inf if torch.is_autocast_enabled("cpu") else 1)


class Idle(Good):
    def __init__(self, *, dim: int) -> None:
        super().__init__(dim=dim)
        self.idle = nn.Parameter(torch.ones(2))


class SaysAnotherWidth(Good):
    def __init__(self, *, dim: int) -> None:
        super().__init__(dim=dim)
        self.width = dim + 1


class ReadsTheAbsent(Good):
    def forward(self, tokens):
        return super().forward(tokens) + (tokens.lengths == 0)[:, None]


class ReadsThePadding(Good):
    def forward(self, tokens):
        there = (tokens.lengths > 0)[:, None]
        return self.scale * tokens.values.mean(1) * there


class MixesItems(Good):
    def forward(self, tokens):
        return super().forward(tokens) * tokens.lengths.max()


class DividesByTheSpread(Good):
    def forward(self, tokens):
        return super().forward(tokens) / tokens.values.std(1).clamp(min=0)


class NeedsAGrid(Good):
    def __init__(self, *, dim: int, layout: tuple[int, int] | None = None) -> None:
        super().__init__(dim=dim)
        self.width = dim if layout else dim + 1


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Readout"),
    "constructor_is_explicit": (Untyped, "'dim' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (DropsAlways, "the vectors differs for a second call"),
    "state_dict_round_trip": (Forgets, "the vectors differs for the instance"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (BreaksInHalf, "the vectors holds NaN or infinity"),
    "every_parameter_learns": (Idle, "no gradient reaches idle"),
    "vectors_have_the_width": (SaysAnotherWidth, "the attribute width says"),
    "absent_gives_zeros": (ReadsTheAbsent, "an item with nothing is not zero"),
    "padding_does_not_leak": (ReadsThePadding, "rubbish in the padding"),
    "items_are_independent": (MixesItems, "item 1 alone"),
    "gradients_are_finite": (DividesByTheSpread, "NaN or infinity"),
    "reads_plain_sequences": (NeedsAGrid, "the vectors are"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_readout_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("readouts", part, rule))


def test_every_check_has_a_broken_readout(covers):
    covers("readouts", BROKEN)


def test_a_good_readout_passes():
    assert check_readout(Good).ok
