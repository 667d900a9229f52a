"""Completion: from some of an item's modalities, the fusion must tell what all of them together say."""

from torch import Tensor

from m5kit.nn.draws import Draws
from m5kit.nn.losses import no_loss
from m5kit.nn.parts import sum_of_parts
from m5kit.registry import TASKS
from m5kit.structures import Facts, Hidden, Mean, TaskOutput, View
from m5kit.tasks.base import Task


@TASKS.register_module("completion")
class CompletionTask(Task):
    """The vector of some of an item's modalities, drawn at random, must point where the sum of all of them points.

    The whole item is the teacher and gets no gradient; neither do the encoders, which the contrastive task trains. So
    what items and modalities are before the fusion stays what it would be without this task, and the loss teaches the
    fusion alone what to add for modalities that are missing. It is a distance to a fixed target and not a contrast:
    there is nothing that the pattern of what is missing could give away.

    Args:
        view: ``masked`` reads the pass that the masked tasks corrupted, ``clean`` asks for an untouched one.
    """

    least_modalities = 2

    def __init__(self, *, view: str = "clean") -> None:
        super().__init__()
        self.view = view

    def shown(self, view: View, draws: Draws) -> Tensor:
        """A random number of random modalities of each item, from one to all of them."""
        # Ranks of random numbers are a random order; absent modalities draw 2.0 and so come last.
        order = draws.uniform(view.present.shape[1]).masked_fill(~view.present, 2.0).argsort(1).argsort(1)
        count = view.present.sum(1)
        # The product may round up to the count itself, which would ask for one modality too many.
        wanted = (draws.uniform() * count).long().clamp(max=count - 1) + 1
        return view.present & (order < wanted[:, None])

    def count(self, facts: Facts, hidden: Hidden | None = None) -> float:
        """The items that have several modalities: of the others there is no part."""
        return float((facts.present.sum(1) > 1).sum())

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """One minus the cosine; logs the cosine, and that of the parts without what the fusion adds."""
        several = (view.present.sum(1) > 1).nonzero().squeeze(1)
        if view.partial is None or len(several) == 0:
            return TaskOutput(no_loss(view.features))
        several = several.to(view.features.device, non_blocking=True)
        features = view.features.detach()[several]
        assert view.confidence is not None
        confidence = view.confidence.detach()[several]
        # In float32, as differences of cosines near 1 are below the resolution of half precision.
        whole = sum_of_parts(features, confidence)
        cosine = (view.partial.items[several] * whole).sum(1)
        kept = view.partial.kept.to(features.device, non_blocking=True)[several]
        plain = (sum_of_parts(features, confidence * kept) * whole).sum(1)
        logs: dict[str, Tensor | Mean] = {"cosine": cosine.detach().mean(), "cosine_of_parts": plain.mean()}
        return TaskOutput((1 - cosine).sum(), logs)
