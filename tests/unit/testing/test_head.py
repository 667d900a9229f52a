"""Each check of heads fails a head that is broken in that one way."""

import re

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, dropout

from m5kit.api import Head
from m5kit.testing import check_head


class Good(Head):
    """One linear layer."""

    classifies = True

    def __init__(self, *, dim: int, classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(dim, classes)

    def forward(self, fused):
        return self.layer(self.embed(fused))

    def embed(self, fused):
        return fused.embedding

    def loss(self, prediction, target):
        return cross_entropy(prediction, target, ignore_index=-1, reduction="sum") / (target >= 0).sum().clamp(min=1)


class Unrelated(nn.Module):
    pass


class CatchesAll(Good):
    def __init__(self, *, dim: int, classes: int, **rest: int) -> None:
        super().__init__(dim=dim, classes=classes)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class DropsAlways(Good):
    def embed(self, fused):
        return dropout(fused.embedding, 0.5)


class Forgets(Good):
    def __init__(self, *, dim: int, classes: int) -> None:
        super().__init__(dim=dim, classes=classes)
        self.secret = [torch.rand(())]

    def embed(self, fused):
        return fused.embedding * self.secret[0]


class HoldsALambda(Good):
    def __init__(self, *, dim: int, classes: int) -> None:
        super().__init__(dim=dim, classes=classes)
        self.activation = lambda values: values


class BreaksInHalf(Good):
    def embed(self, fused):
        return fused.embedding * (torch.inf if torch.is_autocast_enabled("cpu") else 1)


class Idle(Good):
    def __init__(self, *, dim: int, classes: int) -> None:
        super().__init__(dim=dim, classes=classes)
        self.idle = nn.Parameter(torch.ones(2))


class LossOfEachItem(Good):
    def loss(self, prediction, target):
        return cross_entropy(prediction, target.clamp(min=0), reduction="none")


class CountsUnlabelled(Good):
    def loss(self, prediction, target):
        return cross_entropy(prediction, target.clamp(min=0))


class DividesByNothing(Good):
    def loss(self, prediction, target):
        return cross_entropy(prediction, target, ignore_index=-1)


class MixesItems(Good):
    def embed(self, fused):
        return fused.embedding - fused.embedding.mean(0)


class CutsTheGradient(Good):
    def embed(self, fused):
        return fused.embedding.detach()


class ScoresTwice(Good):
    def forward(self, fused):
        return super().forward(fused).repeat(1, 2)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Head"),
    "constructor_is_explicit": (CatchesAll, r"it takes \*\*rest"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (DropsAlways, "differs for a second call"),
    "state_dict_round_trip": (Forgets, "differs for the instance"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (BreaksInHalf, "holds NaN or infinity"),
    "every_parameter_learns": (Idle, "no gradient reaches idle"),
    "output_is_well_formed": (LossOfEachItem, r"the loss has shape \(8,\)"),
    "items_without_label_do_not_count": (CountsUnlabelled, "loss differs for other predictions there"),
    "no_label_at_all_gives_zero": (DividesByNothing, "loss holds NaN or infinity"),
    "items_are_independent": (MixesItems, "differs for item 0 alone"),
    "predictions_score_every_class": (ScoresTwice, r"predictions are \(8, 6\), expected \(8, 3\)"),
    "gradient_reaches_the_model": (CutsTheGradient, "no gradient reaches the fused view"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_head_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("heads", part, rule))


def test_every_check_has_a_broken_head(covers):
    covers("heads", BROKEN)


def test_a_good_head_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_head(Good, only=rules).ran == len(rules)
