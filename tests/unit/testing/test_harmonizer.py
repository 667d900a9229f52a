"""Each check of harmonizers fails a harmonizer that is broken in that one way."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from m5kit.api import Harmonizer, Harmony
from m5kit.testing import check_harmonizer


class Good(Harmonizer):
    """Everything that is there counts alike, scaled by one parameter."""

    def __init__(self, *, modalities: tuple[str, ...]) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, features, present):
        there = present.float()
        pairs = self.scale * there[:, :, None] * there[:, None]
        return Harmony(pairs, self.scale * there, there / there.sum(1, keepdim=True).clamp(min=1))


class Unrelated(nn.Module):
    pass


class Untyped(Good):
    def __init__(self, *, modalities) -> None:
        super().__init__(modalities=modalities)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class DropsAlways(Good):
    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, tasks=dropout(harmony.tasks, 0.5))


class Forgets(Good):
    def __init__(self, *, modalities: tuple[str, ...]) -> None:
        super().__init__(modalities=modalities)
        self.secret = [torch.rand(())]

    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, tasks=harmony.tasks * self.secret[0])


class HoldsALambda(Good):
    def __init__(self, *, modalities: tuple[str, ...]) -> None:
        super().__init__(modalities=modalities)
        self.activation = lambda values: values


class BreaksInHalf(Good):
    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, tasks=harmony.tasks * (torch.inf if torch.is_autocast_enabled("cpu") else 1))


class Idle(Good):
    def __init__(self, *, modalities: tuple[str, ...]) -> None:
        super().__init__(modalities=modalities)
        self.idle = nn.Parameter(torch.ones(2))


class LeansOneWay(Good):
    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, pairs=harmony.pairs.triu())


class CountsTheAbsent(Good):
    def forward(self, features, present):
        return super().forward(features, torch.ones_like(present))


class ReadsTheAbsent(Good):
    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, tasks=harmony.tasks * features.sum((1, 2))[:, None])


class MixesItems(Good):
    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, tasks=harmony.tasks * features.mean())


class DividesByLength(Good):
    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, tasks=harmony.tasks / features.norm(dim=2))


class SumsToTwo(Good):
    def forward(self, features, present):
        harmony = super().forward(features, present)
        return replace(harmony, modalities=2 * harmony.modalities)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Harmonizer"),
    "constructor_is_explicit": (Untyped, "'modalities' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (DropsAlways, "tasks differs for a second call"),
    "state_dict_round_trip": (Forgets, "tasks differs for the instance"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (BreaksInHalf, "tasks holds NaN or infinity"),
    "every_parameter_learns": (Idle, "no gradient reaches idle"),
    "output_is_well_formed": (LeansOneWay, "pairs is not symmetric"),
    "absent_weighs_nothing": (CountsTheAbsent, "a pair with an absent modality counts"),
    "absent_features_do_not_leak": (ReadsTheAbsent, "tasks differs for rubbish where nothing is"),
    "items_are_independent": (MixesItems, "tasks differs for item 0 alone"),
    "every_subset_is_finite": (DividesByLength, "tasks holds NaN or infinity"),
    "modalities_are_shares": (SumsToTwo, "an item's sum to 2"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_harmonizer_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("harmonizers", part, rule))


def test_every_check_has_a_broken_harmonizer(covers):
    covers("harmonizers", BROKEN)


def test_a_good_harmonizer_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_harmonizer(Good, only=rules).ran == len(rules)
