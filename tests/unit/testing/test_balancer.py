"""Each check of balancers fails a balancer that is broken in that one way."""

import re

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from m5kit.api import Balancer
from m5kit.testing import check_balancer


class Good(Balancer):
    """A learned factor for all, over a running mean of each loss."""

    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))
        self.register_buffer("means", torch.zeros(len(tasks)))

    def factors(self, present):
        return self.factor / (1 + self.means)

    def observe(self, losses, norms, present):
        self.means.copy_(torch.where(present, 0.9 * self.means + 0.1 * losses, self.means))


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
    def factors(self, present):
        return dropout(super().factors(present), 0.5)


class Forgets(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.secret = [torch.rand(())]

    def factors(self, present):
        return super().factors(present) * self.secret[0]


class HoldsALambda(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.activation = lambda values: values


class BreaksInHalf(Good):
    def factors(self, present):
        return super().factors(present) * (torch.inf if torch.is_autocast_enabled("cpu") else 1)


class Idle(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.idle = nn.Parameter(torch.ones(2))


class SumsUp(Good):
    def factors(self, present):
        return super().factors(present).sum()


class CountsMicroBatches(Good):
    def factors(self, present):
        factors = super().factors(present)
        with torch.no_grad():
            self.means += 1
        return factors


class ChargesTheAbsent(Good):
    def penalty(self, present):
        return self.factor.expand(present.shape)


class CountsEmptySteps(Good):
    def observe(self, losses, norms, present):
        self.means.mul_(0.5)
        super().observe(losses, norms, present)


class GivesItAllToTheRest(Good):
    def factors(self, present):
        return super().factors(present) * (self.means == 0) if self.means.any() else super().factors(present)


class Overflows(Good):
    def factors(self, present):
        return (super().factors(present) * 1e5).half()


class KeepsTheMeanToItself(Good):
    def __init__(self, *, tasks: tuple[str, ...]) -> None:
        super().__init__(tasks=tasks)
        self.register_buffer("means", torch.zeros(len(tasks)), persistent=False)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Balancer"),
    "constructor_is_explicit": (Untyped, "'tasks' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (DropsAlways, "factors differs for a second call"),
    "state_dict_round_trip": (Forgets, "factors differs for the instance"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (BreaksInHalf, "factors holds NaN or infinity"),
    "every_parameter_learns": (Idle, "no gradient reaches idle"),
    "output_is_well_formed": (SumsUp, r"factors has shape \(\)"),
    "factors_change_nothing": (CountsMicroBatches, "differs for a second micro-batch"),
    "absent_tasks_count_for_nothing": (ChargesTheAbsent, "the penalties of absent tasks are"),
    "nobody_there_changes_nothing": (CountsEmptySteps, "differs for a step after an empty one"),
    "one_task_is_enough": (GivesItAllToTheRest, "the factor of the only task is 0"),
    "extreme_losses_stay_finite": (Overflows, "factors holds NaN or infinity"),
    "goes_on_to_the_same_bits": (KeepsTheMeanToItself, "differs for step 1 after loading"),
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
