"""The conformance checks of fusions."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from m5kit.api import Fused, Fusion, Tokens
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import MODULE_CHECKS, Outputs, backward, finite, same
from m5kit.testing.report import Checks, Report, expect
from m5kit.testing.views import DIM, MODALITIES, PRESENT, even_weights, random_tokens


@dataclass(frozen=True)
class FusionCase:
    """A fusion of three modalities and a batch with every subset of them."""

    part: type[Fusion]
    make: Callable[[], Fusion]
    module: Fusion
    tokens: dict[str, Tokens]
    weights: Tensor

    @classmethod
    def of(cls, part: type[Fusion]) -> "FusionCase":
        """Build the fusion and its batch."""
        make: Callable[[], Fusion] = partial(build, part, modalities=MODALITIES, dim=DIM)
        return cls(part, make, make(), random_tokens(PRESENT), even_weights(PRESENT))

    def run(self, module: nn.Module) -> Outputs:
        """Every output that is not padding."""
        return flat(module(self.tokens, self.weights))

    def fresh(self) -> Fusion:
        """Another instance."""
        return self.make()


CHECKS: Checks[FusionCase] = Checks("fusions", class_checks(Fusion), MODULE_CHECKS)


def check_fusion(part: type[Fusion] | str, only: Collection[str] | None = None) -> Report:
    """Check a fusion; arguments beyond ``dim`` and ``modalities`` that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, FusionCase.of, only)


@CHECKS.add
def output_is_well_formed(case: FusionCase) -> None:
    """Tokens keep names, lengths and widths; pooled is b m d, embedding b d, weights b m."""
    fused: Fused = case.module(case.tokens, case.weights)
    expect(set(fused.tokens) == set(case.tokens), f"tokens of {sorted(fused.tokens)}, given {sorted(case.tokens)}")
    for name, tokens in fused.tokens.items():
        given = case.tokens[name]
        aligned = tokens.values.shape == given.values.shape and torch.equal(tokens.lengths, given.lengths)
        expect(aligned, f"tokens of {name!r} are {tuple(tokens.values.shape)}, given {tuple(given.values.shape)}")
    count, size = len(PRESENT), len(MODALITIES)
    wanted = {"pooled": (count, size, DIM), "embedding": (count, DIM), "weights": (count, size)}
    for name, shape in wanted.items():
        got = tuple(getattr(fused, name).shape)
        expect(got == shape, f"{name} is {got}, expected {shape}")


@CHECKS.add
def knows_its_modalities_and_width(case: FusionCase) -> None:
    """The attributes modalities and dim say what the fusion was built for."""
    has = tuple(getattr(case.module, "modalities", ())), getattr(case.module, "dim", None)
    expect(has == (MODALITIES, DIM), f"they are {has}, it was built for {(MODALITIES, DIM)}")


@CHECKS.add
def order_of_keys_does_not_matter(case: FusionCase) -> None:
    """Modalities in another order give the same."""
    module = case.module.eval()
    # a fusion must go by its own list of modalities, not by the order in which tokens come
    turned = dict(reversed(case.tokens.items()))
    same(case.run(module), flat(module(turned, case.weights)), "keys in another order")


@CHECKS.add
def absent_and_padded_values_do_not_leak(case: FusionCase) -> None:
    """What stands in padding and in the rows of items without a modality changes nothing."""
    module = case.module.eval()
    dirty = {}
    for name, tokens in case.tokens.items():
        # a large finite number: NaN would also spoil correct code that multiplies by 0
        dirty[name] = Tokens(tokens.values.masked_fill(~tokens.mask[..., None], 1e3), tokens.lengths)
    same(case.run(module), flat(module(dirty, case.weights)), "rubbish where nothing is")


@CHECKS.add
def missing_key_means_absent(case: FusionCase) -> None:
    """A modality that nobody has gives the same as a missing key and as rows of length 0."""
    module = case.module.eval()
    present = PRESENT.clone()
    present[:, 1] = False
    tokens, weights = random_tokens(present), even_weights(present)
    fewer = dict(tokens)
    del fewer[MODALITIES[1]]
    same(_without(flat(module(tokens, weights)), MODALITIES[1]), flat(module(fewer, weights)), "the missing key")


@CHECKS.add
def items_are_independent(case: FusionCase) -> None:
    """An item alone gives the same as among others."""
    module = case.module.eval()
    together: Fused = module(case.tokens, case.weights)
    for row in range(len(PRESENT)):
        part = slice(row, row + 1)
        alone: Fused = module(_rows(case.tokens, part), case.weights[part])
        same(flat(_row(together, row)), flat(alone), f"item {row} alone")


@CHECKS.add
def nothing_gives_zeros(case: FusionCase) -> None:
    """An item with nothing has a zero embedding; pooled vectors and weights of absent modalities are zero."""
    fused: Fused = case.module.eval()(case.tokens, case.weights)
    expect(not fused.embedding[-1].any(), "the embedding of an item with nothing is not zero")
    expect(not fused.pooled[~PRESENT].any(), "the pooled vector of an absent modality is not zero")
    expect(not fused.weights[~PRESENT].any(), "the weight of an absent modality is not zero")


@CHECKS.add
def every_subset_is_finite(case: FusionCase) -> None:
    """Outputs and gradients are finite for every subset of the modalities, the empty one included."""
    for tokens in case.tokens.values():
        tokens.values.requires_grad_()
    outputs = flat(case.module(case.tokens, case.weights))
    finite(outputs)
    backward(outputs)
    for name, tokens in case.tokens.items():
        if tokens.values.grad is not None:
            finite({f"the gradient of {name!r}": tokens.values.grad})


@CHECKS.add
def weights_are_shares(case: FusionCase) -> None:
    """Weights are not negative and sum to 1 over the modalities that an item has."""
    weights = case.module.eval()(case.tokens, case.weights).weights
    expect(bool((weights >= 0).all()), f"the smallest is {weights.min():.3g}")
    sums = weights.sum(1)[:-1]  # the last item has no modality, so its weights are all 0
    expect(bool(((sums - 1).abs() < 1e-3).all()), f"an item's sum to {sums[(sums - 1).abs().argmax()]:.4g}")


def flat(fused: Fused) -> dict[str, Tensor]:
    """Every number of a fused view that means something."""
    numbers = {"pooled": fused.pooled, "embedding": fused.embedding, "weights": fused.weights}
    for name, tokens in sorted(fused.tokens.items()):
        numbers[f"tokens {name}"] = tokens.values[tokens.mask]
    return numbers


def _rows(tokens: Mapping[str, Tokens], part: slice) -> dict[str, Tokens]:
    """The tokens of some items."""
    return {name: Tokens(each.values[part], each.lengths[part]) for name, each in tokens.items()}


def _row(fused: Fused, row: int) -> Fused:
    """The fused view of one item."""
    part = slice(row, row + 1)
    tokens = _rows(fused.tokens, part)
    return replace(
        fused, tokens=tokens, pooled=fused.pooled[part], embedding=fused.embedding[part], weights=fused.weights[part]
    )


def _without(outputs: Mapping[str, Tensor], modality: str) -> dict[str, Tensor]:
    """The outputs without the tokens of one modality, which the missing key cannot have."""
    others = dict(outputs)
    others.pop(f"tokens {modality}", None)
    return others
