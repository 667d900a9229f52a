"""The conformance checks of heads."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn

from m5kit.api import Fused, Head
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.modules import MODULE_CHECKS, Outputs, backward, finite, same
from m5kit.testing.report import Checks, Report, Skip, expect
from m5kit.testing.views import DIM, MODALITIES, PRESENT, random_fused

CLASSES = 3
TARGET = torch.tensor([0, 1, 2, 0, 1, -1, 2, -1])
"""A class for most of the items, -1 for the others; the last item has no modality."""


@dataclass(frozen=True)
class HeadCase:
    """A head of three classes and the fused view of items with every subset of the modalities."""

    part: type[Head]
    make: Callable[[], Head]
    module: Head
    fused: Fused

    @classmethod
    def of(cls, part: type[Head]) -> "HeadCase":
        """Build the head and its view."""
        make: Callable[[], Head] = partial(build, part, dim=DIM, modalities=MODALITIES, classes=CLASSES)
        return cls(part, make, make(), random_fused(PRESENT))

    def run(self, module: nn.Module) -> Outputs:
        """Prediction, embedding and loss."""
        prediction = module(self.fused)
        loss = module.loss(prediction, TARGET)  # type: ignore[operator]
        count = max(module.count(TARGET), 1.0)  # type: ignore[operator]
        loss = loss / count  # sums would be compared with the precision of means
        return {"prediction": prediction, "embedding": module.embed(self.fused), "loss": loss}  # type: ignore[operator]

    def fresh(self) -> Head:
        """Another instance."""
        return self.make()


CHECKS: Checks[HeadCase] = Checks("heads", class_checks(Head), MODULE_CHECKS)


def check_head(part: type[Head] | str, only: Collection[str] | None = None) -> Report:
    """Check a head; arguments a run cannot know and that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, HeadCase.of, only)


@CHECKS.add
def output_is_well_formed(case: HeadCase) -> None:
    """The prediction is b ..., the embedding b h, the loss one number; all finite, also for an item with nothing."""
    outputs = case.run(case.module)
    finite(outputs)
    count = len(PRESENT)
    expect(outputs["prediction"].shape[0] == count, f"{outputs['prediction'].shape[0]} predictions for {count} items")
    embedding = tuple(outputs["embedding"].shape)
    expect(len(embedding) == 2 and embedding[0] == count, f"the embedding is {embedding}, expected ({count}, h)")
    expect(outputs["loss"].dim() == 0, f"the loss has shape {tuple(outputs['loss'].shape)}")


@CHECKS.add
def items_without_label_do_not_count(case: HeadCase) -> None:
    """The predictions of items with target -1 change nothing in the loss."""
    head = case.module.eval()
    prediction = head(case.fused)
    # flipped and shifted, so that neither the mean nor the set of the predictions stays the same
    other = torch.where((TARGET == -1).view(-1, *[1] * (prediction.dim() - 1)), prediction.flip(0) + 1, prediction)
    same({"loss": head.loss(prediction, TARGET)}, {"loss": head.loss(other, TARGET)}, "other predictions there")


@CHECKS.add
def no_label_at_all_gives_zero(case: HeadCase) -> None:
    """If no item has a label the loss is 0, not NaN, and can be backpropagated."""
    loss = case.module.loss(case.module(case.fused), torch.full_like(TARGET, -1))
    finite({"loss": loss})
    expect(float(loss.detach()) == 0, f"it is {float(loss.detach()):.3g}")
    expect(loss.requires_grad, "it is cut off from the model; return prediction.sum() * 0")
    backward({"loss": loss})


@CHECKS.add
def items_are_independent(case: HeadCase) -> None:
    """In eval mode an item alone gets the same prediction and embedding as among others."""
    head = case.module.eval()
    together = _readout(head, case.fused)
    for row in range(len(PRESENT)):
        wanted = {name: value[row : row + 1] for name, value in together.items()}
        same(wanted, _readout(head, _row(case.fused, row)), f"item {row} alone")


@CHECKS.add
def gradient_reaches_the_model(case: HeadCase) -> None:
    """The loss trains what lies below the head."""
    backward({"loss": case.run(case.module)["loss"]})
    fused = case.fused
    gradients = [fused.embedding.grad, fused.pooled.grad]
    reached = any(gradient is not None and gradient.any() for gradient in gradients)
    expect(reached, "no gradient reaches the fused view")


@CHECKS.add
def predictions_score_every_class(case: HeadCase) -> None:
    """A head that classifies predicts one score for each class of its label."""
    if not case.part.classifies:
        raise Skip("it does not classify (classifies is False)")
    shape = tuple(case.module(case.fused).shape)
    wanted = (len(PRESENT), CLASSES)
    expect(
        shape == wanted, f"predictions are {shape}, expected {wanted}; if they are no scores, leave classifies False"
    )


def _readout(head: Head, fused: Fused) -> dict[str, Tensor]:
    """The outputs that an evaluation reads."""
    return {"prediction": head(fused), "embedding": head.embed(fused)}


def _row(fused: Fused, row: int) -> Fused:
    """The fused view of one item."""
    part = slice(row, row + 1)
    tokens = {}
    for modality, each in fused.tokens.items():
        tokens[modality] = replace(each, values=each.values[part], lengths=each.lengths[part])
    return Fused(tokens, fused.pooled[part], fused.embedding[part], fused.weights[part])
