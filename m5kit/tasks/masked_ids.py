"""Masked modelling of ids: single tokens, or whole parts of key-value pairs, are hidden and predicted."""

from dataclasses import replace

import torch
from torch import Tensor

from m5kit.errors import ConfigError, ContractError
from m5kit.nn.draws import Draws
from m5kit.nn.losses import weighted_cross_entropy
from m5kit.nn.masking import FIRST_ID, KEPT, check_shares, hidden_parts, replacement_ids, unit_draws
from m5kit.ranges import Count, Share
from m5kit.registry import TASKS
from m5kit.structures import Hidden, Observation, TaskOutput, length_mask
from m5kit.tasks.base import MaskedTask, Reads, WeightOn


class MaskedIds(MaskedTask):
    """What tasks that hide ids share: a head reads the contextual tokens at the hidden places.

    Args:
        modality: one whose encoder shows ids.
        dim: width d of the tokens.
        vocabulary: number of ids.
        rate: share of units to predict.
        reads: see :class:`~m5kit.tasks.base.MaskedTask`.
        weight_on: see there.
        turns: see there.
    """

    def __init__(
        self,
        *,
        modality: str,
        dim: Count,
        vocabulary: Count | None,
        rate: Share,
        reads: Reads,
        weight_on: WeightOn,
        turns: bool,
    ) -> None:
        if vocabulary is None or vocabulary <= FIRST_ID:
            shown = "features" if vocabulary is None else f"only {vocabulary} ids"
            raise ConfigError(
                [f"the encoder of {modality!r} shows {shown}, this task predicts ids; use masked_features there"]
            )
        super().__init__(
            modality=modality, dim=dim, out=vocabulary, rate=rate, reads=reads, weight_on=weight_on, turns=turns
        )
        self.vocabulary = vocabulary

    def score(self, prediction: Tensor, targets: Tensor, weight: Tensor | None) -> TaskOutput:
        """Cross entropy; logs the share of hidden tokens guessed right."""
        loss = weighted_cross_entropy(prediction, targets, weight)
        if len(targets) == 0:
            return TaskOutput(loss)
        return TaskOutput(loss, {"accuracy": (prediction.detach().argmax(dim=1) == targets).float().mean()})

    def hide(self, observation: Observation, positions: Tensor, ids: Tensor) -> tuple[Observation, Hidden]:
        """Write ``ids`` ``n`` (host) at flat ``positions`` ``n`` (host); the true ones become the targets."""
        device = observation.values.device
        there, ids = positions.to(device, non_blocking=True), ids.to(device, non_blocking=True)
        # Positions are flat, one number for item and step, so that one small copy to the device is enough.
        flat = observation.values.flatten(0, 1)
        targets = flat[there]
        values = flat.index_copy(0, there, torch.where(ids == KEPT, targets, ids)).view_as(observation.values)
        return replace(observation, values=values), Hidden(positions, targets)


@TASKS.register_module("masked_tokens")
class MaskedTokensTask(MaskedIds):
    """Hide single tokens and predict their ids (BERT's masked language model).

    Args:
        modality: one whose encoder shows ids.
        dim: width d of the tokens.
        vocabulary: number of ids.
        rate: share of tokens to predict.
        masked: share of those replaced by the mask id.
        random: share of those replaced by a random id; the rest stays as it is.
        reads: see :class:`~m5kit.tasks.base.MaskedTask`.
        weight_on: see there.
        turns: see there.
    """

    def __init__(
        self,
        *,
        modality: str,
        dim: Count,
        vocabulary: Count | None,
        rate: Share = 0.15,
        masked: Share = 0.8,
        random: Share = 0.1,
        reads: Reads = "fused",
        weight_on: WeightOn = "loss",
        turns: bool = False,
    ) -> None:
        super().__init__(
            modality=modality, dim=dim, vocabulary=vocabulary, rate=rate, reads=reads, weight_on=weight_on, turns=turns
        )
        check_shares(masked=masked, random=random)
        self.shares = masked, random

    def corrupt(self, observation: Observation, draws: Draws) -> tuple[Observation, Hidden]:
        """Replace the ids of a share of tokens."""
        real = length_mask(observation.lengths, observation.values.shape[1])
        positions = (unit_draws(real, None, draws) < self.rate).flatten().nonzero().squeeze(1)
        mask_id = _mask_id(observation, self.modality)
        # drawn for every token and then chosen: what one becomes must not depend on how many are hidden before it
        ids = replacement_ids(real.shape[1], self.vocabulary, mask_id, self.shares, draws).flatten()
        return self.hide(observation, positions, ids[positions])


@TASKS.register_module("masked_entities")
class MaskedEntitiesTask(MaskedIds):
    """Hide whole parts of key-value pairs and predict their ids (SCALE's masked entity modelling).

    Reads ``Observation.groups`` (the pair of a token) and ``roles`` (key or value; without roles a unit is hidden as a
    whole). Tokens in no unit and separators stay.

    Args:
        modality: one whose encoder shows ids in groups.
        dim: width d of the tokens.
        vocabulary: number of ids.
        rate: share of pairs to hide something of.
        value: share of those whose value is hidden.
        key: share of those whose key is hidden; in the rest both are. The released code has 0.5 and 0.5.
        reads: see :class:`~m5kit.tasks.base.MaskedTask`.
        weight_on: see there.
        turns: see there.
    """

    def __init__(
        self,
        *,
        modality: str,
        dim: Count,
        vocabulary: Count | None,
        rate: Share = 0.15,
        value: Share = 0.5,
        key: Share = 0.25,
        reads: Reads = "fused",
        weight_on: WeightOn = "loss",
        turns: bool = False,
    ) -> None:
        super().__init__(
            modality=modality, dim=dim, vocabulary=vocabulary, rate=rate, reads=reads, weight_on=weight_on, turns=turns
        )
        check_shares(value=value, key=key)
        self.value, self.key = value, key

    def corrupt(self, observation: Observation, draws: Draws) -> tuple[Observation, Hidden]:
        """Replace every token of the chosen parts by the mask id."""
        if observation.groups is None:
            raise ContractError(
                f"masked_entities hides whole units of {self.modality!r}, but its encoder's observation has no groups; "
                "use masked_tokens or an encoder that passes groups on"
            )
        real = length_mask(observation.lengths, observation.values.shape[1])
        chosen = unit_draws(real, observation.groups, draws) < self.rate
        # One draw decides between key, value and both, so that the shares exclude each other.
        fate = unit_draws(real, observation.groups, draws)
        positions = (
            (chosen & hidden_parts(fate, observation.roles, self.value, self.key)).flatten().nonzero().squeeze(1)
        )
        return self.hide(observation, positions, torch.full_like(positions, _mask_id(observation, self.modality)))


def _mask_id(observation: Observation, modality: str) -> int:
    if observation.mask_id is None:
        raise ContractError(
            f"a task hides ids of {modality!r}, but its encoder's observation names no mask_id; set Observation.mask_id"
        )
    return observation.mask_id
