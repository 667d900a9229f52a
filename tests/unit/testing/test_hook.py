"""Each check of hooks fails a hook that is broken in that one way."""

import re

import pytest
import torch

from m5kit.api import Hook
from m5kit.testing import check_hook


class Good(Hook):
    """The mean loss so far, until it has seen enough, and the weights of two steps ago."""

    def __init__(self) -> None:
        self.total, self.count = torch.zeros(()), 0
        self.before = {}

    def before_train(self, training):
        self.after_figures(training, {})

    def after_step(self, training):
        self.total += training.logs["loss"]
        self.count += 1

    def after_figures(self, training, figures):
        if self.count >= 10:
            training.stop("seen enough")
        if not self.before or figures:
            self.before = {name: value.clone() for name, value in training.model.state_dict().items()}

    def state_dict(self):
        offered = {f"weights.{name}": value for name, value in self.before.items()}
        return {"total": self.total, "count": self.count} | offered

    def load_state_dict(self, state):
        self.total, self.count = state["total"], state["count"]
        self.before = {k.removeprefix("weights."): v for k, v in state.items() if k.startswith("weights.")}


class Unrelated:
    pass


class Untyped(Good):
    def __init__(self, *, figure="loss") -> None:
        super().__init__()


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class ReadsAnotherFigure(Good):
    def after_figures(self, training, figures):
        super().after_figures(training, figures)
        if figures:
            figures["accuracy"]


class ClipsTheWeights(Good):
    def after_step(self, training):
        super().after_step(training)
        for parameter in training.model.parameters():
            parameter.data.clamp_(-0.1, 0.1)


class DrawsANumber(Good):
    def before_train(self, training):
        super().before_train(training)
        torch.rand(1)


class KeepsTheModel(Good):
    def state_dict(self):
        return super().state_dict() | {"seen": {1, 2}}


class Forgets(Good):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.total = torch.zeros(())


class BeginsAgain(Good):
    def before_train(self, training):
        self.before = dict(training.model.state_dict())

    def after_figures(self, training, figures):
        super().after_figures(training, figures)
        if training.step == 4:
            training.stop("step 4")


class OffersHalf(Good):
    def state_dict(self):
        return {name: value for name, value in super().state_dict().items() if name != "weights.0.bias"}


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Hook"),
    "constructor_is_explicit": (Untyped, "'figure' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "sees_a_whole_run": (ReadsAnotherFigure, "it raised KeyError: 'accuracy'"),
    "training_is_left_alone": (ClipsTheWeights, "is not that of a run without it"),
    "global_randomness_is_left_alone": (DrawsANumber, r"before_train\(\) drew a random number"),
    "state_is_tensors_and_json": (KeepsTheModel, "'seen' is a set that JSON does not give back"),
    "goes_on_to_the_same_bits": (Forgets, "total of its state is not that of a run without interruption"),
    "stopped_runs_stay_stopped": (BeginsAgain, "it went on to step"),
    "offered_weights_are_the_models": (OffersHalf, "they are .*, not"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_hook_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("hooks", part, rule))


def test_every_check_has_a_broken_hook(covers):
    covers("hooks", BROKEN)


def test_a_good_hook_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_hook(Good, only=rules).ran == len(rules)
