"""Each check of balancers fails a balancer that is broken in that one way."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from m5kit.api import Balanced, Balancer
from m5kit.testing import check_balancer


class Good(Balancer):
    """A learned factor for all, over a running mean of each loss."""

    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))
        self.register_buffer("means", torch.zeros(len(tasks)))

    def forward(self, losses, present, shared):
        weights = self.factor / (1 + self.means)
        if self.training and shared:
            values = torch.stack(losses).detach()
            self.means.copy_(torch.where(present, 0.9 * self.means + 0.1 * values, self.means))
        return Balanced(torch.stack(losses) * weights, weights.detach())


class Unrelated(nn.Module):
    pass


class Untyped(Good):
    def __init__(self, *, tasks) -> None:
        super().__init__(tasks=tasks)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class DropsAlways(Good):
    def forward(self, losses, present, shared):
        balanced = super().forward(losses, present, shared)
        return replace(balanced, terms=dropout(balanced.terms, 0.5))


class Forgets(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.secret = [torch.rand(())]

    def forward(self, losses, present, shared):
        balanced = super().forward(losses, present, shared)
        return replace(balanced, terms=balanced.terms * self.secret[0])


class HoldsALambda(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.activation = lambda values: values


class BreaksInHalf(Good):
    def forward(self, losses, present, shared):
        balanced = super().forward(losses, present, shared)
        return replace(balanced, terms=balanced.terms * (torch.inf if torch.is_autocast_enabled("cpu") else 1))


class Idle(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.idle = nn.Parameter(torch.ones(2))


class SumsUp(Good):
    def forward(self, losses, present, shared):
        balanced = super().forward(losses, present, shared)
        return replace(balanced, terms=balanced.terms.sum())


class LogsAnotherWeight(Good):
    def forward(self, losses, present, shared):
        balanced = super().forward(losses, present, shared)
        return replace(balanced, weights=balanced.weights * 2)


class ChargesTheAbsent(Good):
    def forward(self, losses, present, shared):
        balanced = super().forward(losses, present, shared)
        return replace(balanced, terms=balanced.terms + self.factor)


class CountsEmptyBatches(Good):
    def forward(self, losses, present, shared):
        if self.training:
            self.means.mul_(0.5)
        return super().forward(losses, present, shared)


class GivesItAllToTheLargest(Good):
    def forward(self, losses, present, shared):
        largest = (self.means == self.means.min()) & present
        return (
            Balanced(torch.stack(losses) * largest, largest.float())
            if self.means.any() and not all(present)
            else super().forward(losses, present, shared)
        )


class Overflows(Good):
    def forward(self, losses, present, shared):
        balanced = super().forward(losses, present, shared)
        return replace(balanced, terms=balanced.terms.half())


class KeepsTheMeanToItself(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.register_buffer("means", torch.zeros(len(tasks)), persistent=False)


class LearnsAlways(Good):
    def forward(self, losses, present, shared):
        with torch.no_grad():
            self.means += 1
        return super().forward(losses, present, shared)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Balancer"),
    "constructor_is_explicit": (Untyped, "'tasks' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (DropsAlways, "terms differs for a second call"),
    "state_dict_round_trip": (Forgets, "terms differs for the instance"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (BreaksInHalf, "terms holds NaN or infinity"),
    "every_parameter_learns": (Idle, "no gradient reaches idle"),
    "output_is_well_formed": (SumsUp, r"terms has shape \(\)"),
    "weights_are_what_reaches_the_model": (LogsAnotherWeight, "the term of 'easy' sends .* to the losses, not"),
    "absent_tasks_count_for_nothing": (ChargesTheAbsent, "the terms of absent tasks are"),
    "nobody_there_changes_nothing": (CountsEmptyBatches, "differs for a batch after an empty one"),
    "one_task_is_enough": (GivesItAllToTheLargest, "the weight of the only task is 0"),
    "extreme_losses_stay_finite": (Overflows, "terms holds NaN or infinity"),
    "goes_on_to_the_same_bits": (KeepsTheMeanToItself, "differs for step 1 after loading"),
    "evaluation_learns_nothing": (LearnsAlways, "means differs for the state after evaluation"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_balancer_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("balancers", part, rule))


def test_every_check_has_a_broken_balancer(covers):
    covers("balancers", BROKEN)


def test_a_good_balancer_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_balancer(Good, only=rules).ran == len(rules)
