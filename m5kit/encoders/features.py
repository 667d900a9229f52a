"""Given features as tokens, in any modality: regions of pictures, clips of videos, bands of sounds."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from m5kit.encoders.base import Encoder
from m5kit.errors import ContractError
from m5kit.nn.pooling import length_mean
from m5kit.nn.post_norm import PostNormStack
from m5kit.nn.transformer import TransformerShape, TransformerStack, init_weights
from m5kit.ranges import Count, Natural
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens


@dataclass(frozen=True)
class BoxedFeatures(Observation):
    """Features, and where each stands: ``p l 5``; a task hides the features, not the places."""

    boxes: Tensor | None = None
    mean: Tensor | None = None  # p e, of all features of an item, whatever a task hides


@ENCODERS.register_module("features")
class FeatureTokens(Encoder):
    """Features somebody else's network made, projected and made contextual (SCALE, CVPR 2022, section 4.1).

    A task hides features and predicts them. The summary is the mean of what is left of them, as a token of its own
    whose box is the whole picture. The mean of all of them is the given vector of an item, and its public vector,
    whatever training does.

    Args:
        dim: width d of the tokens.
        width: e, how many numbers a feature has.
        max_tokens: the most features of an item.
        boxes: 5 if a box follows each feature, 0 if none does.
        positions: learn a vector for each place; features with boxes, or without order, need none.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).
        norm: ``pre`` trains steadily; ``post`` is BERT's, as in the paper.
        residual: let the mean of the features be the public vector; False leaves it to what is learned, as the paper.
    """

    shareable = "stack"

    def __init__(
        self,
        *,
        dim: Count,
        width: Count,
        max_tokens: Count,
        boxes: Natural = 0,
        positions: bool = True,
        shape: TransformerShape = TransformerShape(),
        norm: Literal["pre", "post"] = "pre",
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.dim, self.width, self.boxes = dim, width, boxes
        self.given = width if residual else 0
        self.project = nn.Linear(width, dim)
        self.place = nn.Linear(boxes, dim) if boxes else None
        self.positions = nn.Parameter(torch.empty(1 + max_tokens, dim)) if positions else None
        self.norm_in, self.dropout = nn.LayerNorm(dim), nn.Dropout(shape.dropout)
        stack = TransformerStack if norm == "pre" else PostNormStack
        self.stack = stack(dim=dim, **shape.arguments)
        self.norm_out = nn.LayerNorm(dim) if norm == "pre" else nn.Identity()
        self.project.apply(init_weights)
        if self.positions is not None:
            nn.init.trunc_normal_(self.positions, std=0.02)

    def observe(self, inputs: Inputs) -> Observation:
        """The features ``p l e``, with their boxes if there are any.

        Raises:
            ContractError: the inputs are of another width.
        """
        if inputs.values.shape[-1] != self.width + self.boxes:
            raise ContractError(
                f"features of {inputs.values.shape[-1]} numbers, the encoder was built for {self.width} and "
                f"{self.boxes} of a box; use the transform features"
            )
        values = inputs.values.float()
        boxes = values[..., self.width :] if self.boxes else None
        observed = BoxedFeatures(values[..., : self.width], inputs.lengths, boxes=boxes)
        return replace(observed, mean=_mean(observed))

    def encode(self, observation: Observation) -> Tokens:
        """Contextual features ``p 1+l d``.

        Raises:
            ContractError: an item has more features than the encoder was built for.
        """
        lengths, count = observation.lengths + 1, observation.values.shape[1] + 1
        if self.positions is not None and count > len(self.positions):
            raise ContractError(
                f"an item has {count - 1} features, the encoder was built for {len(self.positions) - 1}; set the same "
                "max_tokens in the transform and in the encoder"
            )
        features = observation.values.masked_fill(~observation.mask[..., None], 0.0)
        mean = _mean(observation)
        values = self.project(torch.cat([mean[:, None], features], dim=1))
        if self.place is not None:
            values = values + self.place(self._places(observation))
        if self.positions is not None:
            values = values + self.positions[:count]
        values = self.norm_out(self.stack(self.dropout(self.norm_in(values)), lengths))
        real = torch.cat([observation.mask.new_ones(values.shape[0], 1), observation.mask], dim=1)
        kept = observation.mean if isinstance(observation, BoxedFeatures) else None
        given = mean if kept is None else kept
        return Tokens(values.masked_fill(~real[..., None], 0.0), lengths, given if self.given else None)

    def _places(self, observation: Observation) -> Tensor:
        """Boxes ``p 1+l 5``; that of the summary is the whole picture."""
        assert isinstance(observation, BoxedFeatures)
        assert observation.boxes is not None
        whole = observation.boxes.new_tensor([0.0, 0.0, 1.0, 1.0, 1.0]).expand(observation.boxes.shape[0], 1, -1)
        return torch.cat([whole, observation.boxes], dim=1)

    @classmethod
    def example(cls) -> tuple["FeatureTokens", Inputs]:
        """A small encoder of regions, and three items."""
        encoder = cls(dim=16, width=6, max_tokens=4, boxes=5, shape=TransformerShape(layers=1, heads=2), norm="post")
        return encoder, Inputs(torch.rand(3, 4, 11), torch.tensor([4, 1, 2]))


def _mean(observation: Observation) -> Tensor:
    """Mean ``p e`` of the features of each item; zeros where there are none."""
    features = observation.values.masked_fill(~observation.mask[..., None], 0.0)
    return length_mean(features, observation.lengths)
