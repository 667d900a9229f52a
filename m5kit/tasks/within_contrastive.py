"""Contrast within a modality: two augmented passes of one item must find each other."""

import torch

from m5kit.errors import ConfigError
from m5kit.nn.losses import infonce, no_loss
from m5kit.nn.pairs import ComparedRows
from m5kit.ranges import Positive
from m5kit.registry import TASKS
from m5kit.structures import Hidden, TaskOutput, View
from m5kit.tasks.base import Task


@TASKS.register_module("within_contrastive")
class WithinContrastiveTask(Task):
    """SimCLR in each modality: two augmentations of an item must find each other among those of other items.

    Contrast across modalities keeps what they share and throws the rest away; this keeps what tells one picture, or one
    sound, from another.

    Inputs: every item is augmented twice, so that the reading of media costs more, and the encoders of the second pass.

    Requirements: augmentation (``light`` or ``strong``) that changes the input; where it changes nothing, the task is
    solved at once and teaches nothing.

    Relations: beside ``contrastive``, which it complements; alone it trains each encoder by itself.

    Args:
        modalities: the m columns.
        over: the modalities it is for; None for all.
        temperature: divides the cosines.
        view: the first of the two passes: the one that the masked tasks corrupted (``masked``) or a clean one.

    Raises:
        ConfigError: a modality of ``over`` is unknown, or ``temperature`` is not above 0.

    Source: Chen et al., A Simple Framework for Contrastive Learning (SimCLR, ICML 2020), equation 1; beside contrast
        across modalities in SLIP (Mu et al., ECCV 2022), arXiv 2112.12750.
    """

    compares_items = True
    features_are_enough = True
    gathers = True
    augments_twice = True

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        over: tuple[str, ...] | None = None,
        temperature: Positive = 0.1,
        view: str = "masked",
    ) -> None:
        super().__init__()
        chosen = tuple(modalities if over is None else over)
        if not chosen or not set(chosen) <= set(modalities):
            raise ConfigError(
                [f"task 'within_contrastive': over must be some of {', '.join(modalities)}, got {', '.join(chosen)}"]
            )
        if temperature <= 0:
            raise ConfigError([f"task 'within_contrastive': temperature must be above 0, got {temperature}"])
        self.columns = tuple(modalities.index(m) for m in chosen)
        self.temperature, self.view = temperature, view

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Mean over the modalities that two items have; logs the loss of each."""
        if view.again is None:
            return TaskOutput(no_loss(view.features))
        peers, losses = view.peers, {}
        features, again = peers.rows(view.features), peers.rows(view.again)
        for column in self.columns:
            # found on the host, where presence is, so that no step waits for the device
            rows = peers.present(view.present)[:, column].nonzero().squeeze(1)
            if len(rows) < 2:
                continue
            found = ComparedRows.of(rows, peers.first, len(view.present), features.device)
            first, second = features[found.rows, column], again[found.rows, column]
            each = infonce(first, second, self.temperature, own=found.own)
            losses[view.modalities[column]] = each.sum() / len(rows)
        if not losses:
            return TaskOutput(no_loss(view.features))
        logs = {m: each.detach() * peers.size for m, each in losses.items()}
        return TaskOutput(torch.stack(list(losses.values())).mean(), logs)
