"""Masked modelling of features: patches, frames or given features are hidden and predicted."""

from dataclasses import replace
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

from m5kit.errors import ConfigError, ContractError
from m5kit.nn.draws import Draws
from m5kit.nn.losses import weighted_mse
from m5kit.nn.masking import check_shares, unit_draws
from m5kit.ranges import Count, Share
from m5kit.registry import TASKS
from m5kit.structures import Hidden, Observation, TaskOutput, length_mask
from m5kit.tasks.base import MaskedTask, Reads, WeightOn


@TASKS.register_module("masked_features")
class MaskedFeaturesTask(MaskedTask):
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
        reads: see :class:`~m5kit.tasks.base.MaskedTask`.
        weight_on: see there; ``prediction`` scales the predicted features here, which is unsound.
        turns: see there.
    """

    def __init__(
        self,
        *,
        modality: str,
        dim: Count,
        observed: Count | None,
        predicted: Count | None = None,
        rate: Share = 0.15,
        keep: Share = 0.1,
        unit: Literal["token", "group"] = "token",
        normalize: bool = True,
        reads: Reads = "fused",
        weight_on: WeightOn = "loss",
        turns: bool = False,
    ) -> None:
        if observed is None:
            raise ConfigError(
                [f"the encoder of {modality!r} shows ids, masked_features predicts features; use masked_tokens"]
            )
        check_shares(keep=keep)
        out = predicted or observed
        super().__init__(modality=modality, dim=dim, out=out, rate=rate, reads=reads, weight_on=weight_on, turns=turns)
        self.keep, self.unit, self.normalize, self.out = keep, unit, normalize, out

    def corrupt(self, observation: Observation, draws: Draws) -> tuple[Observation, Hidden]:
        """Zero a share of units."""
        if not observation.values.is_floating_point():
            raise ContractError(
                f"masked_features needs features of {self.modality!r}, its encoder observed "
                f"{observation.values.dtype}; use masked_tokens"
            )
        real = length_mask(observation.lengths, observation.values.shape[1])
        groups = observation.groups if self.unit == "group" else None
        # Two draws for every unit, chosen or not: what happens to one must not depend on the fate of another.
        chosen = unit_draws(real, groups, draws) < self.rate
        zeroed = chosen & (unit_draws(real, groups, draws) >= self.keep)
        device, positions = observation.values.device, chosen.flatten().nonzero().squeeze(1)
        target = observation.values if observation.target is None else observation.target
        # Detached, or an encoder could lower the loss by making its own targets easy.
        hidden = Hidden(positions, target.detach().flatten(0, 1)[positions.to(device, non_blocking=True)])
        blank = zeroed.flatten().nonzero().squeeze(1).to(device, non_blocking=True)
        values = observation.values.flatten(0, 1).index_fill(0, blank, 0).view_as(observation.values)
        return replace(observation, values=values), hidden

    def score(self, prediction: Tensor, targets: Tensor, weight: Tensor | None) -> TaskOutput:
        """Squared error."""
        return TaskOutput(weighted_mse(prediction, self._wanted(targets), weight))

    def _wanted(self, target: Tensor) -> Tensor:
        if target.shape[1] != self.out:
            raise ContractError(
                f"masked_features of {self.modality!r} predicts {self.out} numbers a token, the target has "
                f"{target.shape[1]}; set predicted: {target.shape[1]}"
            )
        # The eps keeps a flat patch, of variance 0, from becoming noise of unit size.
        return F.layer_norm(target, target.shape[1:], eps=1e-6) if self.normalize else target
