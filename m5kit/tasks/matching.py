"""Matching: do all modalities belong to one item, or is one of them another item's?"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from m5kit.errors import ConfigError
from m5kit.nn.draws import Draws
from m5kit.nn.losses import no_loss
from m5kit.nn.mismatch import draw_columns, draw_donors, exchangeable, likeness_to_the_rest
from m5kit.ranges import Count, Positive
from m5kit.registry import TASKS
from m5kit.structures import Facts, Hidden, Mean, TaskOutput, View
from m5kit.tasks.base import Swap, Task


@TASKS.register_module("matching")
class MatchingTask(Task):
    """Tell items from made-up ones of which one modality was taken from another item of the batch.

    Image-text matching for any number of modalities (ViLBERT, VisualBERT, UNITER, FLAVA). Each item with two modalities
    or more, one of which another item has too, is seen once as it is and once with one of them, drawn at random,
    exchanged; both count alike. It costs one more pass of the fusion, none of the encoders, and is the usual task that
    trains ``Fused.embedding``. Donors are the items of all processes.

    Args:
        dim: width d of the embedding.
        hard: draw donors by how well their modality fits the item, as ALBEF does (arXiv 2107.07651): the chance grows
            with the cosine of the contrastive features. It needs a contrastive task beside it, and the device must be
            asked for the cosines.
        temperature: divides the cosines of ``hard``; the lower, the harder.
        view: ``masked`` reads the pass that the masked tasks corrupted and costs no further one of the encoders,
            ``clean`` asks for an untouched pass.

    Raises:
        ConfigError: ``temperature`` is not above 0.
    """

    least_modalities = 2
    compares_items = gathers = True

    def __init__(
        self,
        *,
        dim: Count,
        hard: bool = False,
        temperature: Positive = 0.1,
        view: Literal["masked", "clean"] = "masked",
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise ConfigError([f"task 'matching': temperature must be above 0, got {temperature}"])
        self.hard, self.temperature, self.view = hard, temperature, view
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim), nn.Linear(dim, 1))

    def swap(self, view: View, draws: Draws) -> Swap:
        """One modality of each item that has two or more, from an item that has it too."""
        peers = view.peers
        everyone = peers.present(view.present)
        # Only modalities that another item has too: a swap with nobody would be a right item called wrong.
        items, columns = draw_columns(view.present, draws, everyone)
        likeness = self._likeness(peers.rows(view.features), items + peers.first, columns) if self.hard else None
        positions = peers.positions(draws.positions)
        return Swap(items, columns, draw_donors(everyone, items, columns, draws, likeness, positions, peers.first))

    def count(self, facts: Facts, hidden: Hidden | None = None) -> float:
        """The swaps: each brings a right item and a wrong one, of which half counts."""
        return float(exchangeable(facts.present).any(1).sum())

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Binary cross entropy, half of the sums over both kinds; logs how many are told right."""
        if view.mismatched is None:
            return TaskOutput(no_loss(view.features))
        # the items that were swapped, as they are: there are as many right ones as wrong ones
        swapped = exchangeable(view.present, view.peers.present(view.present)).any(1).nonzero().squeeze(1)
        whole = swapped.to(view.features.device, non_blocking=True)
        right = self.head(view.fused.embedding[whole]).squeeze(1)
        wrong = self.head(view.mismatched.embedding).squeeze(1)
        # Logits in float32: half precision rounds the loss of a sure and right answer to 0, and its gradient with it.
        with torch.autocast(view.features.device.type, enabled=False):
            loss = (_loss(right, 1.0) + _loss(wrong, 0.0)) / 2
        if len(swapped) == 0:  # a process may have none while others have some
            return TaskOutput(loss)
        told = ((right.detach() > 0).float().mean() + (wrong.detach() <= 0).float().mean()) / 2
        return TaskOutput(loss, {"accuracy": Mean(told, float(len(swapped)))})

    @torch.no_grad()
    def _likeness(self, features: Tensor, items: Tensor, columns: Tensor) -> Tensor:
        places = items.to(features.device, non_blocking=True), columns.to(features.device, non_blocking=True)
        # Donors are drawn on the host, so this is the one place where the task waits for the device.
        return likeness_to_the_rest(features, *places).cpu() / self.temperature


def _loss(logits: Tensor, target: float) -> Tensor:
    logits = logits.float()
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target), reduction="sum")
