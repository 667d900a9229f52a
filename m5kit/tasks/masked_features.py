"""Masked modelling of features: patches, frames or given features are hidden and predicted."""

from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from m5kit.errors import ConfigError, ContractError
from m5kit.nn.losses import no_loss, weighted_mse
from m5kit.nn.masking import check_shares, hidden_tokens, unit_draws
from m5kit.registry import TASKS
from m5kit.structures import Hidden, Observation, TaskOutput, View, length_mask
from m5kit.tasks.base import Task


@TASKS.register_module("masked_features")
class MaskedFeaturesTask(Task):
    """Hide patches, frames or given features and predict them, as SCALE does for its continuous modalities.

    Args:
        modality: one whose encoder shows features.
        dim: width d of the tokens.
        observed: width e of an observed token, or None if the encoder shows ids.
        predicted: width of the observation's target, where it has one of another width.
        rate: share of units to predict.
        keep: share of those that stay visible; the rest is zeroed.
        unit: hide each ``token`` on its own, or whole units of ``Observation.groups`` (``group``): a patch that stands
            still is otherwise read off the next frame.
        normalize: give each token's target mean 0 and variance 1 (MAE, 2022), so that predicting the mean costs 1 in
            every modality and no scale of the input drowns the other tasks. False regresses the features as they are,
            as SCALE does with features of trained extractors.
        reads: predict from the ``fused`` tokens (paper) or the ``encoded`` ones (released code).
        weight_on: ``View.harmony.tasks`` multiplies the ``loss`` of an item's hidden tokens, their ``prediction``
            (released code; it scales the predicted features, which is unsound), ``both`` (equation 3) or nothing
            (``none``).
    """

    modality: str

    def __init__(
        self,
        *,
        modality: str,
        dim: int,
        observed: int | None,
        predicted: int | None = None,
        rate: float = 0.15,
        keep: float = 0.1,
        unit: Literal["token", "group"] = "token",
        normalize: bool = True,
        reads: Literal["fused", "encoded"] = "fused",
        weight_on: Literal["loss", "prediction", "both", "none"] = "loss",
    ) -> None:
        if observed is None:
            raise ConfigError(
                [f"the encoder of {modality!r} shows ids, masked_features predicts features; use masked_tokens"]
            )
        check_shares(rate=rate)
        check_shares(keep=keep)
        super().__init__()
        self.modality, self.rate, self.keep, self.unit, self.normalize = modality, rate, keep, unit, normalize
        self.reads, self.weight_on, self.out = reads, weight_on, predicted or observed
        self.head = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim), nn.Linear(dim, self.out))

    def corrupt(self, observation: Observation, generator: torch.Generator) -> tuple[Observation, Hidden]:
        """Zero a share of units."""
        if not observation.values.is_floating_point():
            raise ContractError(
                f"masked_features needs features of {self.modality!r}, its encoder observed "
                f"{observation.values.dtype}; use masked_tokens"
            )
        real = length_mask(observation.lengths, observation.values.shape[1])
        groups = observation.groups if self.unit == "group" else None
        chosen = unit_draws(real, groups, generator) < self.rate
        zeroed = chosen & (unit_draws(real, groups, generator) >= self.keep)
        device, positions = observation.values.device, chosen.flatten().nonzero().squeeze(1)
        target = observation.values if observation.target is None else observation.target
        hidden = Hidden(positions, target.detach().flatten(0, 1)[positions.to(device, non_blocking=True)])
        blank = zeroed.flatten().nonzero().squeeze(1).to(device, non_blocking=True)
        values = observation.values.flatten(0, 1).index_fill(0, blank, 0).view_as(observation.values)
        return replace(observation, values=values), hidden

    def loss(self, view: View, hidden: Hidden | None) -> TaskOutput:
        """Mean squared error at the hidden places."""
        if hidden is None:
            return TaskOutput(no_loss(view.features))
        tokens = (view.fused.tokens if self.reads == "fused" else view.encoded)[self.modality].values
        read, items = hidden_tokens(tokens, view.rows[self.modality], hidden.positions)
        prediction = self.head(read)
        weight = view.harmony.tasks[items, view.modalities.index(self.modality)]
        if self.weight_on in ("prediction", "both"):
            prediction = prediction * weight[:, None]
        on_loss = weight if self.weight_on in ("loss", "both") else None
        return TaskOutput(weighted_mse(prediction, self._wanted(hidden.targets), on_loss))

    def _wanted(self, target: Tensor) -> Tensor:
        if target.shape[1] != self.out:
            raise ContractError(
                f"masked_features of {self.modality!r} predicts {self.out} numbers a token, the target has "
                f"{target.shape[1]}; set predicted: {target.shape[1]}"
            )
        return F.layer_norm(target, target.shape[1:], eps=1e-6) if self.normalize else target
