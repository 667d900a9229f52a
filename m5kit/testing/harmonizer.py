"""The conformance checks of harmonizers."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from m5kit.api import Harmonizer, Harmony
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import MODULE_CHECKS, Outputs, backward, finite, same
from m5kit.testing.report import Checks, Report, expect
from m5kit.testing.views import FEATURES, MODALITIES, PRESENT


@dataclass(frozen=True)
class HarmonizerCase:
    """A harmonizer of three modalities and features of items with every subset of them."""

    part: type[Harmonizer]
    make: Callable[[], Harmonizer]
    module: Harmonizer
    features: Tensor

    @classmethod
    def of(cls, part: type[Harmonizer]) -> "HarmonizerCase":
        """Build the harmonizer and its features."""
        make: Callable[[], Harmonizer] = partial(build, part, modalities=MODALITIES)
        features = torch.randn(len(PRESENT), len(MODALITIES), FEATURES)
        features = features * PRESENT[..., None]
        module = make()
        module.observe(features, PRESENT)  # what it learned of a batch must not make items depend on each other
        return cls(part, make, module, features)

    def run(self, module: nn.Module) -> Outputs:
        """Weights and penalty."""
        return flat(module(self.features, PRESENT)) | {"penalty": module.penalty()}  # type: ignore[operator]

    def fresh(self) -> Harmonizer:
        """Another instance."""
        return self.make()


CHECKS: Checks[HarmonizerCase] = Checks("harmonizers", class_checks(Harmonizer), MODULE_CHECKS)


def check_harmonizer(part: type[Harmonizer] | str, only: Collection[str] | None = None) -> Report:
    """Check a harmonizer; arguments beyond ``modalities`` that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, HarmonizerCase.of, only)


@CHECKS.add
def output_is_well_formed(case: HarmonizerCase) -> None:
    """Pairs are b m m and symmetric, tasks and modalities b m; the penalty is a scalar."""
    harmony: Harmony = case.module(case.features, PRESENT)
    count, size = PRESENT.shape
    for name, shape in {"pairs": (count, size, size), "tasks": (count, size), "modalities": (count, size)}.items():
        got = tuple(getattr(harmony, name).shape)
        expect(got == shape, f"{name} is {got}, expected {shape}")
    expect(bool(torch.allclose(harmony.pairs, harmony.pairs.mT)), "pairs is not symmetric")
    expect(case.module.penalty().dim() == 0, f"the penalty has shape {tuple(case.module.penalty().shape)}")


@CHECKS.add
def absent_weighs_nothing(case: HarmonizerCase) -> None:
    """The weights of an absent modality, and of every pair with one, are 0."""
    harmony: Harmony = case.module(case.features, PRESENT)
    expect(not harmony.pairs[~(PRESENT[:, :, None] & PRESENT[:, None])].any(), "a pair with an absent modality counts")
    expect(not harmony.tasks[~PRESENT].any(), "the task of an absent modality counts")
    expect(not harmony.modalities[~PRESENT].any(), "an absent modality has a share")


@CHECKS.add
def absent_features_do_not_leak(case: HarmonizerCase) -> None:
    """The features of an absent modality change nothing."""
    dirty = case.features.masked_fill(~PRESENT[..., None], 1e3)
    same(flat(case.module(case.features, PRESENT)), flat(case.module(dirty, PRESENT)), "rubbish where nothing is")


@CHECKS.add
def items_are_independent(case: HarmonizerCase) -> None:
    """An item alone gives the same as among others."""
    together = flat(case.module(case.features, PRESENT))
    for row in range(len(PRESENT)):
        alone = flat(case.module(case.features[row : row + 1], PRESENT[row : row + 1]))
        same({name: value[row : row + 1] for name, value in together.items()}, alone, f"item {row} alone")


@CHECKS.add
def every_subset_is_finite(case: HarmonizerCase) -> None:
    """Weights and gradients are finite for every subset, for zero features and for equal ones."""
    for features in (case.features, torch.zeros_like(case.features), torch.ones_like(case.features)):
        # zero and equal features are where a norm or a softmax divides by zero
        leaf = features.clone().requires_grad_()
        outputs = flat(case.module(leaf, PRESENT)) | {"penalty": case.module.penalty()}
        finite(outputs)
        if any(value.requires_grad for value in outputs.values()):  # fixed weights have no gradient
            backward(outputs)
            finite({"the gradient of the features": leaf.grad} if leaf.grad is not None else {})


@CHECKS.add
def modalities_are_shares(case: HarmonizerCase) -> None:
    """The shares in the embedding are not negative and sum to 1 over the modalities that an item has."""
    shares = case.module(case.features, PRESENT).modalities
    expect(bool((shares >= 0).all()), f"the smallest is {shares.min():.3g}")
    sums = shares.sum(1)[:-1]  # the last item has no modality, so its shares are all 0
    expect(bool(((sums - 1).abs() < 1e-3).all()), f"an item's sum to {sums[(sums - 1).abs().argmax()]:.4g}")


def flat(harmony: Harmony) -> dict[str, Tensor]:
    """The three weights by name."""
    return {"pairs": harmony.pairs, "tasks": harmony.tasks, "modalities": harmony.modalities}
