"""Contrastive learning between all pairs of modalities that items have, weighted by how well they agree."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.nn.contrast import sigmoid_contrastive
from m5kit.nn.losses import cosines, infonce, no_loss, ntxent, paper_contrastive
from m5kit.nn.pairs import ComparedRows, pairs_of_modalities
from m5kit.ranges import Count, Positive
from m5kit.registry import TASKS
from m5kit.structures import Facts, Hidden, Mean, TaskOutput, View
from m5kit.tasks.base import Task

LOSSES: Mapping[str, Callable[[Tensor, Tensor, Tensor, Tensor | None, Tensor | None], Tensor]] = {
    "infonce": infonce,
    "paper": paper_contrastive,
    "ntxent": ntxent,
}
HIGHEST_SCALE = math.log(100)  # as CLIP: a learned temperature does not fall below 0.01


@TASKS.register_module("contrastive")
class ContrastiveTask(Task):
    """The features of one item's modalities must find each other among those of the other items.

    Each pair of modalities is scored on the items that have both; pairs with fewer than two such items have no
    negatives and are left out.

    Args:
        negatives: ``infonce`` (the other items' features of the other modality), ``paper`` (equation 2: the same, the
            positive not in the denominator), ``ntxent`` (SimCLR: also features of the same modality) or ``sigmoid``
            (SigLIP: each pair of items judged by itself, with a learned bias).
        temperature: divides the cosines; the start if it is learned.
        learnable_temperature: train the temperature, as CLIP does.
        weight_on: where ``View.harmony.pairs`` acts: on the ``loss`` of an item's pair, on its ``logits`` (the released
            code) or on ``both`` (equation 3).
        over_pairs: the loss is the ``mean`` over the pairs that remain, as in the released code, or their ``sum``, as
            in equation 3; then a batch in which more is present counts more.
        balanced: divide the weights on the loss by their mean over all pairs of the batch, so that a harmonizer moves
            importance between pairs and items and leaves the balance with the other tasks alone. False is the paper's.
        view: ``masked`` reads the pass that the masked tasks corrupted, as the released code, and costs nothing;
            ``clean`` asks for an untouched pass.
        nested: widths at which the features are also compared, each by its first numbers alone, so that a vector may
            later be cut to any of them. The loss is the mean over these widths and the whole.
        features: the whole width, filled in from the model.

    Source: Dong et al., M5Product (CVPR 2022), equations 2 and 3. ``nested``: Kusupati et al., Matryoshka
    Representation Learning (NeurIPS 2022), equation 1, with equal weights.
    """

    least_modalities = 2
    compares_items = True
    features_are_enough = True
    gathers = True
    log_scale: Tensor

    def __init__(
        self,
        *,
        negatives: Literal["infonce", "paper", "ntxent", "sigmoid"] = "infonce",
        temperature: Positive = 0.1,
        learnable_temperature: bool = False,
        weight_on: Literal["loss", "logits", "both"] = "loss",
        over_pairs: Literal["mean", "sum"] = "mean",
        balanced: bool = False,
        view: Literal["masked", "clean"] = "masked",
        nested: Sequence[Count] = (),
        features: Count | None = None,
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise ConfigError([f"task 'contrastive': temperature must be above 0, got {temperature}"])
        self.nested = checked_widths(nested, features)
        self.negatives, self.weight_on, self.balanced, self.view = negatives, weight_on, balanced, view
        self.over_pairs = over_pairs
        if negatives == "sigmoid" and weight_on != "loss":
            raise ConfigError([f"task 'contrastive': sigmoid has its weights on the loss alone, got {weight_on!r}"])
        # most pairs are negatives: from a bias of 0 the first steps would only learn that (SigLIP, section 3.2)
        self.bias = nn.Parameter(torch.tensor(-10.0)) if negatives == "sigmoid" else None
        log_scale = torch.tensor(-math.log(temperature))
        if learnable_temperature:
            self.log_scale = nn.Parameter(log_scale)
        else:
            self.register_buffer("log_scale", log_scale, persistent=False)

    @property
    def temperature(self) -> Tensor:
        """The present temperature, a scalar."""
        # Learned as a logarithm, so that no step of the optimizer can make it negative.
        return (-self.log_scale.clamp(max=HIGHEST_SCALE)).exp()

    def count(self, facts: Facts, hidden: Hidden | None = None) -> float:
        """The pairs of modalities that are scored; 1 for all of them where their sum is the loss."""
        # On the host, before the forward pass: the product counts the items that have both modalities of each pair.
        there = facts.present.float()
        pairs = int((there.T @ there >= 2).triu(1).sum())
        return float(pairs if self.over_pairs == "mean" else min(pairs, 1))

    def loss(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Sum over pairs; logs the loss of each pair as ``a~b`` and how often the right item came first."""
        peers = view.peers
        features = peers.rows(view.features)
        losses: dict[str, Tensor] = {}
        weights, hits = [], []
        # Presence is on the host: ``nonzero`` on the device would wait for it once a pair.
        for i, j, rows in pairs_of_modalities(peers.present(view.present)):
            found = ComparedRows.of(rows, peers.first, len(view.present), view.features.device)
            a, b, weight = features[found.rows, i], features[found.rows, j], view.harmony.pairs[found.mine, i, j]
            losses[f"{view.modalities[i]}~{view.modalities[j]}"] = self._pair(a, b, weight, found.own)
            weights.append(weight.sum() / len(rows))
            hits.append(_hit_rate(a, b, found.own))
        if not losses:
            return TaskOutput(no_loss(view.features))
        # What is logged is a mean over processes; that of all parts, times how many there are, is their sum.
        logs: dict[str, Tensor | Mean] = {n: Mean(loss.detach() * peers.size, 1.0) for n, loss in losses.items()}
        logs["accuracy"] = torch.stack(hits).mean() * peers.size
        if self.log_scale.requires_grad:
            logs["temperature"] = self.temperature.detach()
        total = torch.stack(list(losses.values())).sum()
        if self._balances:
            # Detached: through the divisor, the harmonizer could lower the loss of one pair by raising all others.
            total = total / peers.total(torch.stack(weights).detach()).mean().clamp(min=1e-6)
        return TaskOutput(total, logs)

    @property
    def _balances(self) -> bool:
        return self.balanced and self.weight_on in ("loss", "both")

    def _pair(self, a: Tensor, b: Tensor, weight: Tensor, own: Tensor | None) -> Tensor:
        """The part of the own rows in the mean over all rows."""
        scale = weight if self.weight_on in ("logits", "both") else None
        each = self._compare(a, b, scale, own)
        for width in self.nested:
            each = each + self._compare(a[:, :width], b[:, :width], scale, own)
        # The mean over widths, so that nesting leaves the balance with the other tasks alone.
        each = each / (1 + len(self.nested))
        return (each * weight if self.weight_on in ("loss", "both") else each).sum() / len(a)

    def _compare(self, a: Tensor, b: Tensor, scale: Tensor | None, own: Tensor | None) -> Tensor:
        """A loss for each of the own rows."""
        if self.bias is None:
            return LOSSES[self.negatives](a, b, self.temperature, scale, own)
        return sigmoid_contrastive(a, b, self.temperature, self.bias, own)


def checked_widths(nested: Sequence[int], features: int | None) -> tuple[int, ...]:
    """The widths in increasing order.

    Raises:
        ConfigError: one that is no part of the features, or is named twice.
    """
    widths = tuple(sorted(set(nested)))
    wrong = [str(width) for width in widths if width < 1 or (features is not None and width >= features)]
    if wrong:
        below = "1 or more" if features is None else f"1 to {features - 1}, as the features have width {features}"
        raise ConfigError([f"task 'contrastive': nested: expected widths of {below}; got {', '.join(wrong)}"])
    if len(widths) < len(nested):
        raise ConfigError([f"task 'contrastive': nested: each width once, got {list(nested)}"])
    return widths


@torch.no_grad()
def _hit_rate(a: Tensor, b: Tensor, own: Tensor | None) -> Tensor:
    """The part of the own rows in how often a row of one is nearest to its item's of the other, both ways."""
    if own is None:
        logits, own = cosines(a, b), torch.arange(len(a), device=a.device)
        found = torch.cat([logits.argmax(dim=1) == own, logits.argmax(dim=0) == own])
    else:
        found = torch.cat([cosines(a[own], b).argmax(dim=1) == own, cosines(b[own], a).argmax(dim=1) == own])
    return found.float().sum() / (2 * len(a))
