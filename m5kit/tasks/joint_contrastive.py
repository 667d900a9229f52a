"""Contrast of more than two modalities at once, where pairs alone do not tell what belongs together."""

from collections.abc import Mapping
from typing import Literal

import torch

from m5kit.errors import ConfigError
from m5kit.nn.contrast import gram, symile
from m5kit.nn.losses import no_loss
from m5kit.nn.pairs import ComparedRows
from m5kit.ranges import Positive
from m5kit.registry import TASKS
from m5kit.structures import Hidden, TaskOutput, View
from m5kit.tasks.base import Task

PRODUCTS = {"symile": symile, "gram": gram}


@TASKS.register_module("joint_contrastive")
class JointContrastiveTask(Task):
    """All modalities of an item must find each other at once.

    Inputs: items that have every modality of ``over``; others are left out, at least two must remain.

    Requirements: three modalities or more for ``symile``, two for ``gram``.

    Relations: ``contrastive`` compares pairs and works with whatever an item has; put this one beside it where most
    items are complete. Symile's product has no meaning for cosines of pairs, so beside search by pairs give it a small
    weight. GRAM's volume is 0 for every anchor once the other modalities coincide, so it needs pairs beside it too.

    Args:
        modalities: the m columns.
        product: ``symile``, the multilinear inner product, or ``gram``, the volume that the vectors span.
        over: the modalities compared, for ``gram`` the anchor first; None for all in the order of the columns.
        temperature: divides the products.
        view: ``masked`` reads the pass that the masked tasks corrupted; ``clean`` asks for an untouched one.

    Raises:
        ConfigError: there are too few modalities, one is unknown, or ``temperature`` is not above 0.

    Source: Saporta et al., Contrasting with Symile (NeurIPS 2024), arXiv 2411.01053; Cicchetti et al., Gramian
        Multimodal Representation Learning and Alignment (ICLR 2025), arXiv 2412.11959.
    """

    least_modalities = 2
    compares_items = True
    features_are_enough = True
    gathers = True

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        product: Literal["symile", "gram"] = "gram",
        over: tuple[str, ...] | None = None,
        temperature: Positive = 0.1,
        view: str = "masked",
    ) -> None:
        super().__init__()
        chosen = tuple(modalities if over is None else over)
        least = 3 if product == "symile" else 2
        if len(set(chosen)) < least or not set(chosen) <= set(modalities):
            raise ConfigError(
                [
                    f"task 'joint_contrastive': {product} compares at least {least} of {', '.join(modalities)}, got "
                    f"{', '.join(chosen)}; name others in over"
                ]
            )
        if temperature <= 0:
            raise ConfigError([f"task 'joint_contrastive': temperature must be above 0, got {temperature}"])
        self.columns = tuple(modalities.index(m) for m in chosen)
        self.product, self.temperature, self.view = product, temperature, view

    @classmethod
    def example(cls) -> Mapping[str, object]:
        """Arguments for the conformance kit, in whose batch one item alone has everything."""
        return {"over": ("a", "b")}

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Mean over the items that have all of the modalities."""
        rows = view.peers.present(view.present)[:, list(self.columns)].all(1).nonzero().squeeze(1)
        if len(rows) < 2:
            return TaskOutput(no_loss(view.features))
        features = view.peers.rows(view.features)
        found = ComparedRows.of(rows, view.peers.first, len(view.present), features.device)
        parts = [features[found.rows, column] for column in self.columns]
        # Products of several cosines and determinants need all the digits of float32.
        with torch.autocast(view.features.device.type, enabled=False):
            return TaskOutput(PRODUCTS[self.product](parts, self.temperature, found.own).sum() / len(rows))
