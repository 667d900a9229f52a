"""Each check of fusions fails a fusion that is broken in that one way."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import dropout

from m5kit.api import Fused, Fusion, Tokens
from m5kit.testing import check_fusion


class Good(Fusion):
    """A linear layer on every token; the embedding is the weighted sum of the summaries."""

    def __init__(self, *, modalities: tuple[str, ...], dim: int) -> None:
        super().__init__()
        self.modalities, self.dim = modalities, dim
        self.layer = nn.Linear(dim, dim, bias=False)

    def forward(self, tokens, weights):
        moved = {m: Tokens(self.layer(t.values), t.lengths) for m, t in tokens.items()}
        zeros = weights.new_zeros(len(weights), self.dim)
        columns = [moved[m].summary * (moved[m].lengths > 0)[:, None] if m in moved else zeros for m in self.modalities]
        pooled = torch.stack(columns, dim=1)
        return Fused(moved, pooled, (pooled * weights[..., None]).sum(1), weights)


class Unrelated(nn.Module):
    pass


class ByPosition(Good):
    def __init__(self, modalities: tuple[str, ...], dim: int) -> None:
        super().__init__(modalities=modalities, dim=dim)


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class DropsAlways(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=dropout(fused.embedding, 0.5))


class Forgets(Good):
    def __init__(self, *, modalities: tuple[str, ...], dim: int) -> None:
        super().__init__(modalities=modalities, dim=dim)
        self.secret = [torch.rand(())]

    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=fused.embedding * self.secret[0])


class HoldsALambda(Good):
    def __init__(self, *, modalities: tuple[str, ...], dim: int) -> None:
        super().__init__(modalities=modalities, dim=dim)
        self.activation = lambda values: values


class BreaksInHalf(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=fused.embedding * 1e20 * (1e20 if torch.is_autocast_enabled("cpu") else 1e-20))


class Idle(Good):
    def __init__(self, *, modalities: tuple[str, ...], dim: int) -> None:
        super().__init__(modalities=modalities, dim=dim)
        self.idle = nn.Linear(2, 2)


class ShortensTokens(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, tokens={m: Tokens(t.values[:, :1], t.lengths) for m, t in fused.tokens.items()})


class Anonymous(Good):
    def __init__(self, *, modalities: tuple[str, ...], dim: int) -> None:
        super().__init__(modalities=modalities, dim=dim)
        self.modalities = tuple(reversed(modalities))


class TakesTheFirstKey(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=next(iter(fused.tokens.values())).summary)


class ReadsPadding(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        means = torch.stack([t.values.mean(1) for t in fused.tokens.values()]).sum(0)
        return replace(fused, embedding=fused.embedding + means)


class CountsKeys(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=fused.embedding * len(tokens))


class MixesItems(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=fused.embedding - fused.embedding.mean(0))


class AddsABias(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=fused.embedding + 1)


class DividesByItself(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, embedding=fused.embedding / fused.weights.sum(1, keepdim=True))


class CountsTwice(Good):
    def forward(self, tokens, weights):
        fused = super().forward(tokens, weights)
        return replace(fused, weights=2 * fused.weights)


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from Fusion"),
    "constructor_is_explicit": (ByPosition, r"'modalities' can be given by position; write \(self, \*, modalities"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "eval_mode_is_deterministic": (DropsAlways, "embedding differs for a second call"),
    "state_dict_round_trip": (Forgets, "embedding differs for the instance that loaded it"),
    "pickles": (HoldsALambda, "it raised"),
    "runs_in_bf16": (BreaksInHalf, "embedding holds NaN or infinity"),
    "every_parameter_learns": (Idle, "no gradient reaches idle.weight, idle.bias"),
    "output_is_well_formed": (ShortensTokens, r"tokens of 'a' are \(8, 1, 16\), given \(8, 6, 16\)"),
    "knows_its_modalities_and_width": (Anonymous, "it was built for"),
    "order_of_keys_does_not_matter": (TakesTheFirstKey, "embedding differs for keys in another order"),
    "absent_and_padded_values_do_not_leak": (ReadsPadding, "embedding differs for rubbish where nothing is"),
    "missing_key_means_absent": (CountsKeys, "embedding differs for the missing key"),
    "items_are_independent": (MixesItems, "embedding differs for item 0 alone"),
    "nothing_gives_zeros": (AddsABias, "the embedding of an item with nothing is not zero"),
    "every_subset_is_finite": (DividesByItself, "embedding holds NaN or infinity"),
    "weights_are_shares": (CountsTwice, "an item's sum to 2"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_fusion_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("fusions", part, rule))


def test_every_check_has_a_broken_fusion(covers):
    covers("fusions", BROKEN)


def test_a_good_fusion_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_fusion(Good, only=rules).ran == len(rules)


def test_arguments_that_the_kit_cannot_know_come_from_the_example(fails):
    class Needy(Good):
        """Needs a number."""

        def __init__(self, *, modalities: tuple[str, ...], dim: int, depth: int) -> None:
            super().__init__(modalities=modalities, dim=dim)

    class Helpful(Needy):
        """Needs a number and says which."""

        @classmethod
        def example(cls):
            return {"depth": 2}

    assert "Needy needs depth; give a default, or a classmethod example()" in fails("fusions", Needy, "pickles")
    assert check_fusion(Helpful, only=["weights_are_shares"]).ran == 1
