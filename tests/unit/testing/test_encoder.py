"""Each check of encoders fails an encoder that is broken in that one way."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from m5kit.api import Encoder, Inputs, Observation, Tokens
from m5kit.encoders.text_tokens import TextTokens
from m5kit.nn.transformer import TransformerShape
from m5kit.testing import check_encoder


class Good(TextTokens):
    """Ids in order."""

    @classmethod
    def example(cls):
        torch.manual_seed(0)
        encoder = cls(dim=8, vocabulary=12, max_tokens=6, mask_id=2, shape=TransformerShape(layers=1, heads=2))
        return encoder, Inputs.stack([Inputs.single(torch.randint(3, 12, (length,))) for length in (4, 6, 2)])


class Unrelated(nn.Module):
    pass


class CatchesAll(Good):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"  # the standard library's module that prints a poem


class DropsAlways(Good):
    def encode(self, observation):
        tokens = super().encode(observation)
        return Tokens(nn.functional.dropout(tokens.values, 0.5, training=True), tokens.lengths)


class Forgets(Good):
    def __init__(self, *, dim: int, vocabulary: int, max_tokens: int, mask_id: int, shape: TransformerShape):
        super().__init__(dim=dim, vocabulary=vocabulary, max_tokens=max_tokens, mask_id=mask_id, shape=shape)
        self.hidden_weight = [torch.rand(())]

    @classmethod
    def example(cls):
        state = torch.get_rng_state()
        encoder, inputs = super().example()
        torch.set_rng_state(state)
        encoder.hidden_weight = [torch.rand(())]
        return encoder, inputs

    def encode(self, observation):
        tokens = super().encode(observation)
        return Tokens(tokens.values * self.hidden_weight[0], tokens.lengths)


class HoldsALambda(Good):
    @classmethod
    def example(cls):
        encoder, inputs = super().example()
        encoder.activation = lambda values: values
        return encoder, inputs


class LosesPrecision(Good):
    def encode(self, observation):
        tokens = super().encode(observation)
        values = tokens.values
        if torch.is_autocast_enabled("cpu"):
            values = ((values.bfloat16() + 1000) - 1000).float()
        return Tokens(values, tokens.lengths)


class HasAnIdleParameter(Good):
    @classmethod
    def example(cls):
        encoder, inputs = super().example()
        encoder.idle = nn.Parameter(torch.zeros(3))
        return encoder, inputs


class ShowsTwoItems(Good):
    @classmethod
    def example(cls):
        encoder, inputs = super().example()
        return encoder, Inputs(inputs.values[:2], inputs.lengths[:2])


class ObservesShortLengths(Good):
    def observe(self, inputs):
        return replace(super().observe(inputs), lengths=inputs.lengths.int())


class PredictsItself(Good):
    def observe(self, inputs):
        return Observation(self.words(inputs.values), inputs.lengths)


class ForgetsTheSummary(Good):
    def encode(self, observation):
        tokens = super().encode(observation)
        return Tokens(tokens.values, observation.lengths)


class ReadsBackwards(Good):
    def observe(self, inputs):
        return super().observe(replace(inputs, values=inputs.values.flip(1)))


class IgnoresLengths(Good):
    def encode(self, observation):
        everything = torch.full_like(observation.lengths, observation.values.shape[1])
        return Tokens(super().encode(replace(observation, lengths=everything)).values, observation.lengths + 1)


class MixesItems(Good):
    def encode(self, observation):
        tokens = super().encode(observation)
        return Tokens(tokens.values + tokens.values[:, :1].mean(0), tokens.lengths)


class CountsRows(Good):
    def encode(self, observation):
        tokens = super().encode(observation)
        return Tokens(tokens.values + torch.arange(len(tokens.values))[:, None, None], tokens.lengths)


class DividesByLength(Good):
    def encode(self, observation):
        tokens = super().encode(observation)
        return Tokens(tokens.values / observation.lengths[:, None, None], tokens.lengths)


class RemembersWhatItSaw(Good):
    def observe(self, inputs):
        self.seen = inputs.values
        return super().observe(inputs)

    def encode(self, observation):
        return super().encode(replace(observation, values=self.seen))


class Extracting(Encoder):
    """A frozen layer, then one that learns."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.fixed, self.learned = nn.Linear(3, 4).requires_grad_(False), nn.Linear(4, dim)

    @property
    def extracts(self):
        return True

    def extract(self, inputs):
        marks = torch.zeros(inputs.values.shape[:2], dtype=torch.int64)
        return Inputs(self.fixed(inputs.values), inputs.lengths, {"extracted": marks})

    def frozen_modules(self):
        return {"fixed": self.fixed}

    def observe(self, inputs):
        seen = inputs if "extracted" in inputs.extras else self.extract(inputs)
        return Observation(seen.values, seen.lengths)

    def encode(self, observation):
        tokens = self.learned(observation.values) * observation.mask[..., None]
        summary = tokens.sum(1, keepdim=True) / observation.lengths.clamp(min=1)[:, None, None]
        return Tokens(torch.cat([summary, tokens], dim=1), observation.lengths + 1)

    @classmethod
    def example(cls):
        torch.manual_seed(0)
        return cls(dim=8), Inputs.stack([Inputs.single(torch.randn(length, 3)) for length in (4, 6, 2)])


class ExtractsWhatLearns(Extracting):
    def frozen_modules(self):
        return {"learned": self.learned}


class PromisesAVector(Good):
    given = 4


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Encoder"),
    "constructor_is_explicit": (CatchesAll, r"it takes \*\*kwargs; name every argument"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed 'The Zen of Python"),
    "eval_mode_is_deterministic": (DropsAlways, "differs for a second call"),
    "state_dict_round_trip": (Forgets, "differs for the instance that loaded it"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (LosesPrecision, "away from its value in float32"),
    "every_parameter_learns": (HasAnIdleParameter, "no gradient reaches idle"),
    "example_is_varied": (ShowsTwoItems, "it gives 2 items"),
    "observation_is_well_formed": (ObservesShortLengths, r"lengths are torch.int32 .* expected int64"),
    "target_cannot_collapse": (PredictsItself, "it carries a gradient; set Observation.target"),
    "tokens_have_the_width_and_length": (ForgetsTheSummary, "expected those observed plus one"),
    "given_vectors_are_as_declared": (PromisesAVector, r"Tokens.given is None, expected \(3, 4\)"),
    "padding_of_inputs_does_not_leak": (ReadsBackwards, "differs for inputs with rubbish in the padding"),
    "padding_of_observation_does_not_leak": (IgnoresLengths, "differs for an observation with rubbish"),
    "items_are_independent": (MixesItems, "differs for item 0 alone"),
    "order_of_items_is_kept": (CountsRows, "differs for another order"),
    "empty_items_are_finite": (DividesByLength, "item 1 holds NaN or infinity"),
    "hidden_tokens_are_hidden": (RemembersWhatItSaw, "does not see the tokens that were hidden"),
    "extracted_inputs_stand_for_inputs": (ExtractsWhatLearns, "learned.weight, learned.bias learns"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_encoder_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("encoders", part, rule))


def test_every_check_has_a_broken_encoder(covers):
    covers("encoders", BROKEN)


def test_a_good_encoder_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    report = check_encoder(Good, only=rules)
    assert (report.ran, report.failed) == (len(rules) - 1, {})
    assert list(report.skipped) == ["extracted_inputs_stand_for_inputs"]


def test_an_encoder_with_a_frozen_part_passes():
    assert not check_encoder(Extracting, only=["extracted_inputs_stand_for_inputs", "items_are_independent"]).skipped


def test_an_encoder_that_forgets_what_it_extracted_is_told(fails):
    class ReadsTwice(Extracting):
        """Takes what it extracted for raw inputs."""

        def observe(self, inputs):
            return Observation(inputs.values[..., :1].expand(-1, -1, 4), inputs.lengths)

    assert "differs for extracted inputs" in fails("encoders", ReadsTwice, "extracted_inputs_stand_for_inputs")


def test_an_encoder_without_an_example_is_told_to_write_one(fails):
    class Bare(Encoder):
        """No example."""

        def observe(self, inputs: Inputs) -> Observation: ...

        def encode(self, observation: Observation) -> Tokens: ...

    assert "Bare has no example(); return (a small instance" in fails("encoders", Bare, "pickles")
