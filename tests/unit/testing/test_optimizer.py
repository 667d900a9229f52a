"""Each check of optimizers fails an optimizer that is broken in that one way."""

import re

import pytest
import torch
from torch.optim import SGD, AdamW

from m5kit.api import OptimizerBuilder
from m5kit.testing import check_optimizer


class Good(OptimizerBuilder):
    """Plain AdamW."""

    def build(self, groups):
        return AdamW(groups)


class Unrelated:
    def build(self, groups):
        return AdamW(groups)


class Untyped(Good):
    def __init__(self, *, beta=3) -> None:
        pass


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class OneRate(Good):
    def build(self, groups):
        return AdamW([parameter for group in groups for parameter in group["params"]], lr=0.01)


class Climbs(Good):
    def build(self, groups):
        return SGD(groups, maximize=True)


class KeepsItsRate(Good):
    def build(self, groups):
        class Stubborn(SGD):
            def step(self, closure=None):
                for group in self.param_groups:
                    group["lr"] = 0.01
                super().step()

        return Stubborn(groups)


class AlwaysDecays(Good):
    def build(self, groups):
        class Shrinks(SGD):
            @torch.no_grad()
            def step(self, closure=None):
                for group in self.param_groups:
                    for parameter in group["params"]:
                        parameter.mul_(1 - group["lr"])
                super().step()

        return Shrinks(groups)


class KeepsAFunction(Good):
    def build(self, groups):
        optimizer = AdamW(groups)
        optimizer.param_groups[0]["schedule"] = max
        return optimizer


class Forgets(Good):
    def build(self, groups):
        class Amnesia(AdamW):
            def load_state_dict(self, state):
                pass

        return Amnesia(groups)


class Noise(Good):
    def build(self, groups):
        class Langevin(SGD):
            @torch.no_grad()
            def step(self, closure=None):
                super().step()
                torch.rand(())

        return Langevin(groups)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from OptimizerBuilder"),
    "constructor_is_explicit": (Untyped, "'beta' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "builds_a_torch_optimizer": (OneRate, "keep the lr of its group"),
    "lowers_a_loss": (Climbs, "it went from"),
    "follows_the_rate": (KeepsItsRate, "read lr from param_groups"),
    "nothing_happens_without_gradients": (AlwaysDecays, "without a gradient moved"),
    "state_can_be_saved": (KeepsAFunction, "param_groups is no JSON data"),
    "goes_on_to_the_same_bits": (Forgets, "not those of a run without interruption"),
    "global_randomness_is_left_alone": (Noise, "drew a random number"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_optimizer_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("optimizers", part, rule))


def test_every_check_has_a_broken_optimizer(covers):
    covers("optimizers", BROKEN)


def test_a_good_optimizer_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_optimizer(Good, only=rules).ran == len(rules)
