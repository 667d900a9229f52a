"""Contrast in small batches: several positives, chosen negatives, and those of earlier batches."""

import torch
from torch import Tensor

from m5kit.errors import ConfigError
from m5kit.nn.contrast import choose_negatives, chosen_infonce
from m5kit.nn.losses import cosines, no_loss, places
from m5kit.nn.pairs import ComparedRows, pairs_of_modalities
from m5kit.nn.queue import FeatureQueue
from m5kit.ranges import Amount, Count, Natural, Positive
from m5kit.registry import TASKS
from m5kit.structures import Hidden, TaskOutput, View
from m5kit.tasks.base import Task


@TASKS.register_module("mined_contrastive")
class MinedContrastiveTask(Task):
    """Contrast between each pair of modalities with chosen negatives, of this batch and of earlier ones.

    A small batch holds few negatives that teach anything, and in a small catalogue some of them are no negatives at
    all: the same product in another colour, or a second photograph. This task takes more negatives from a queue, keeps
    the hardest, leaves out those that look like the item itself, and may be told which items belong together.

    Inputs: pairs of modalities of one item; with ``positives``, items with a label (``data.label`` names it).

    Requirements: two modalities an item. ``margin`` wants features that mean something already: from scratch, begin
    with None.

    Relations: ``contrastive`` is the same without any of the options (InfoNCE), weighted in more ways; it costs less.

    Args:
        modalities: the m columns.
        features: width h of the contrastive features.
        temperature: divides the cosines.
        positives: label by which further items of the batch are positives; None for the item alone. Items of one class
            in the queue are no negatives either.
        margin: negatives with a cosine above the positive's less this are taken for false ones and left out.
        hardest: how many of the remaining negatives are kept for each row, the most similar.
        queue: how many earlier items serve as negatives.
        view: ``masked`` reads the pass that the masked tasks corrupted; ``clean`` asks for an untouched one.

    Raises:
        ConfigError: a number is out of its range.

    Source: Khosla et al., Supervised Contrastive Learning (2020); Moreira et al., NV-Retriever (arXiv 2407.15831) for
        the margin; Wang et al., Cross-Batch Memory (CVPR 2020) for the queue.
    """

    least_modalities = 2
    compares_items = True
    features_are_enough = True
    gathers = True

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        features: Count,
        temperature: Positive = 0.1,
        positives: str | None = None,
        margin: Amount | None = None,
        hardest: Count | None = None,
        queue: Natural = 0,
        view: str = "masked",
    ) -> None:
        super().__init__()
        if temperature <= 0 or queue < 0 or (hardest is not None and hardest < 1):
            raise ConfigError(
                [
                    "task 'mined_contrastive': expected temperature above 0, queue of at least 0 and hardest of at "
                    f"least 1, got {temperature}, {queue} and {hardest}"
                ]
            )
        self.temperature, self.positives, self.margin, self.hardest = temperature, positives, margin, hardest
        self.view = view
        self.queue = FeatureQueue(size=queue, modalities=len(modalities), features=features)

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Mean over pairs of modalities; logs the share of candidates that served as negatives.

        Raises:
            ConfigError: the batch has no such label as ``positives``.
        """
        peers, device = view.peers, view.features.device
        everyone, features, targets = peers.present(view.present), peers.rows(view.features), self._targets(view)
        losses, kept = [], []
        for i, j, rows in pairs_of_modalities(everyone, least=1):
            found = ComparedRows.of(rows, peers.first, len(view.present), device)
            weight = view.harmony.pairs[found.mine, i, j]
            # both ways, as what is the hardest negative of one need not be that of the other
            for one, other in ((i, j), (j, i)):
                a, b = features[found.rows, one], features[found.rows, other]
                each, share = self._direction(a, b, other, targets[found.rows], found)
                losses.append((each * weight).sum() / len(rows))
                kept.append(share)
        if self.training:
            # after the losses: an item must not meet itself in the queue
            order = _order_of_one(view).to(device, non_blocking=True)
            self.queue.push(features.detach()[order], everyone.to(device, non_blocking=True)[order], targets[order])
        if not losses:
            return TaskOutput(no_loss(view.features))
        return TaskOutput(torch.stack(losses).mean(), {"negatives": torch.stack(kept).mean()})

    def _direction(
        self, a: Tensor, b: Tensor, column: int, targets: Tensor, found: ComparedRows
    ) -> tuple[Tensor, Tensor]:
        """Losses ``q`` of finding rows of ``b``, of modality ``column``, and the share of candidates kept."""
        everything = torch.cat([b, self.queue.features[:, column].to(b.dtype)])
        similarity = cosines(found.take(a), everything)
        labels, searched = torch.cat([targets, self.queue.targets]), found.take(targets)
        kin = (searched[:, None] == labels) & (searched[:, None] >= 0)
        place = found.take(torch.arange(len(b), device=a.device))
        own = places(place, len(everything))
        batch = torch.arange(len(everything), device=a.device) < len(b)
        there = torch.cat([batch[: len(b)], self.queue.present[:, column]])
        candidate = there & ~own & ~kin
        shown = similarity.detach()
        positives = shown.gather(1, place[:, None]).squeeze(1)
        negative = choose_negatives(shown, positives, candidate, margin=self.margin, hardest=self.hardest)
        # kin in the queue are neither: their features are old, and there is no gradient to bring them closer by
        positive = own | (kin & batch)
        each = chosen_infonce(similarity / self.temperature, positive, negative)
        return each, negative.sum() / candidate.sum().clamp(min=1)

    def _targets(self, view: View) -> Tensor:
        """Classes ``B`` of the items of all processes."""
        if self.positives is None:
            return torch.full((len(view.peers.present(view.present)),), -1, device=view.features.device)
        if self.positives not in view.targets:
            raise ConfigError(
                [
                    f"task 'mined_contrastive': positives is {self.positives!r}, but no such label is read; set "
                    f"data.label={self.positives}"
                ]
            )
        return view.peers.rows(view.targets[self.positives].to(view.features.device))


def _order_of_one(view: View) -> Tensor:
    """The items ``B`` (host) of all processes in the order in which one process would have them.

    Processes come one after the other; where a step's micro-batches are compared at once, each process's share of all
    of them does.
    """
    return view.peers.positions(torch.arange(len(view.present))).argsort(stable=True)
