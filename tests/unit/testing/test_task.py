"""Each check of pretext tasks fails a task that is broken in that one way."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from m5kit.api import Draws, Hidden, Swap, Task, TaskOutput
from m5kit.tasks.masked_ids import MaskedTokensTask
from m5kit.testing import check_task


class Good(MaskedTokensTask):
    """Predict ids."""

    def __init__(self, *, modality: str, dim: int, vocabulary: int | None) -> None:
        super().__init__(modality=modality, dim=dim, vocabulary=vocabulary, rate=0.5)


class Unrelated(nn.Module):
    pass


class CatchesAll(Good):
    def __init__(self, *, modality: str, dim: int, vocabulary: int | None, **rest: int) -> None:
        super().__init__(modality=modality, dim=dim, vocabulary=vocabulary)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class Shakes(Good):
    def loss(self, view, hidden):
        output = super().loss(view, hidden)
        return replace(output, loss=output.loss * (1 + torch.rand(())))


class Forgets(Good):
    def __init__(self, *, modality: str, dim: int, vocabulary: int | None) -> None:
        super().__init__(modality=modality, dim=dim, vocabulary=vocabulary)
        self.secret = [1 + torch.rand(())]

    def loss(self, view, hidden):
        output = super().loss(view, hidden)
        return replace(output, loss=output.loss * self.secret[0])


class HoldsALambda(Good):
    def __init__(self, *, modality: str, dim: int, vocabulary: int | None) -> None:
        super().__init__(modality=modality, dim=dim, vocabulary=vocabulary)
        self.activation = lambda values: values


class BreaksInHalf(Good):
    def loss(self, view, hidden):
        output = super().loss(view, hidden)
        return replace(output, loss=output.loss * (torch.inf if torch.is_autocast_enabled("cpu") else 1))


class Idle(Good):
    def __init__(self, *, modality: str, dim: int, vocabulary: int | None) -> None:
        super().__init__(modality=modality, dim=dim, vocabulary=vocabulary)
        self.idle = nn.Parameter(torch.ones(2))


class AsksForAnotherView(Good):
    view = "both"


class LossOfEachItem(Good):
    def loss(self, view, hidden):
        output = super().loss(view, hidden)
        return replace(output, loss=output.loss.expand(3))


class LogsTheLoss(Good):
    def loss(self, view, hidden):
        output = super().loss(view, hidden)
        return TaskOutput(output.loss, {"loss": output.loss})


class ReadsNothing(Good):
    def loss(self, view, hidden):
        return TaskOutput(self.head[0].bias.sum())


class RollsItsOwnDice(Good):
    def corrupt(self, observation, draws):
        return super().corrupt(observation, Draws(int(torch.randint(10**6, ())), "dice", draws.positions))


class AveragesItself(Good):
    def loss(self, view, hidden):
        output = super().loss(view, hidden)
        return replace(output, loss=output.loss / max(len(hidden.positions), 1))


class WritesInPlace(Good):
    def corrupt(self, observation, draws):
        shown, hidden = super().corrupt(observation, draws)
        observation.values.copy_(shown.values)
        return shown, hidden


class HidesPadding(Good):
    def corrupt(self, observation, draws):
        everything = torch.full_like(observation.lengths, observation.values.shape[1])
        shown, hidden = super().corrupt(replace(observation, lengths=everything), draws)
        return replace(shown, lengths=observation.lengths), hidden


class HidesNothing(Good):
    def corrupt(self, observation, draws):
        _, hidden = super().corrupt(observation, draws)
        return observation, Hidden(hidden.positions[:0], hidden.targets[:0])


class MeansOverNothing(Good):
    def loss(self, view, hidden):
        if hidden is None:
            return super().loss(view, hidden)
        return TaskOutput(super().loss(view, hidden).loss / min(len(hidden.targets), 1))


class BorrowsFromItself(Good):
    def swap(self, view, draws):
        items = (view.present.sum(1) > 1).nonzero().squeeze(1)
        return Swap(items, torch.zeros_like(items), items)


class KeepsWhatIsNotThere(Good):
    def shown(self, view, draws):
        return torch.ones_like(view.present)


class NeedsEverybody(Good):
    def loss(self, view, hidden):
        return TaskOutput(super().loss(view, hidden).loss + view.encoded[self.modality].values.sum() * 0)


class ComparesWithOthers(Good):
    def loss(self, view, hidden):
        spread = view.features.flatten(1).std(dim=0).mean()  # of one item: NaN
        return TaskOutput(super().loss(view, hidden).loss + spread)


class Peeks(Good):
    compares_items = True
    features_are_enough = True

    def loss(self, view, hidden):
        return TaskOutput(super().loss(view, hidden).loss + view.fused.embedding.sum())


ASKED = ("swaps_are_well_formed", "cuts_are_well_formed", "features_are_enough_if_it_says_so")

BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Task"),
    "constructor_is_explicit": (CatchesAll, r"it takes \*\*rest"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (Shakes, "loss differs for a second call"),
    "state_dict_round_trip": (Forgets, "loss differs for the instance"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (BreaksInHalf, "loss holds NaN or infinity"),
    "every_parameter_learns": (Idle, "no gradient reaches idle"),
    "says_what_it_reads": (AsksForAnotherView, "view is 'both'"),
    "loss_is_a_finite_scalar": (LossOfEachItem, r"it has shape \(3,\)"),
    "logs_carry_no_gradient": (LogsTheLoss, "'loss' carries a gradient; detach it"),
    "gradient_reaches_the_model": (ReadsNothing, "no gradient reaches tokens, features or embedding"),
    "corruption_follows_the_items": (RollsItsOwnDice, "use the draws of the items only"),
    "items_weigh_the_same_however_they_are_cut": (AveragesItself, "give the sum over the count"),
    "features_are_enough_if_it_says_so": (Peeks, "leave features_are_enough at False"),
    "corruption_leaves_its_input": (WritesInPlace, "changed in place; clone them"),
    "corruption_is_well_formed": (HidesPadding, "a padded token was hidden"),
    "corruption_hides_something": (HidesNothing, "nothing was hidden with 8 seeds"),
    "swaps_are_well_formed": (BorrowsFromItself, "an item is its own donor"),
    "cuts_are_well_formed": (KeepsWhatIsNotThere, "a modality that it has not"),
    "nothing_hidden_gives_zero": (MeansOverNothing, "ZeroDivisionError|NaN"),
    "nobody_there_gives_zero": (NeedsEverybody, "it raised KeyError"),
    "one_item_is_enough": (ComparesWithOthers, "loss holds NaN or infinity"),
}


@pytest.mark.filterwarnings("ignore:std")
@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_task_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("tasks", part, rule))


def test_every_check_has_a_broken_task(covers):
    covers("tasks", BROKEN)


def test_a_good_task_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule not in ("imports_quietly", *ASKED)]  # it asks for none of this
    assert check_task(Good, only=rules).ran == len(rules)


def test_a_task_that_hides_nothing_skips_what_is_about_hiding():
    class Plain(Task):
        """Push features to zero."""

        def loss(self, view, hidden):
            return TaskOutput(view.features.square().sum())

    report = check_task(Plain, only=["corruption_hides_something", "loss_is_a_finite_scalar"])
    assert report.skipped == {"corruption_hides_something": "the task hides nothing"}
    assert report.passed == ("loss_is_a_finite_scalar",)
