"""Attention bottleneck: modalities tell each other only what fits into a few tokens."""

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.fusions.base import Fusion, presence, stack_summaries
from m5kit.nn.packing import Packing, may_have_tokens
from m5kit.nn.pooling import weighted_sum
from m5kit.nn.transformer import FUSION_SHAPE, Block, TransformerShape, init_weights
from m5kit.ranges import Count
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens


@FUSIONS.register_module("bottleneck")
class BottleneckFusion(Fusion):
    """Multimodal Bottleneck Transformer (MBT, Nagrani et al., NeurIPS 2021, arXiv 2107.00135).

    In each layer a modality's tokens x_m attend to themselves and to the item's bottleneck z. Each modality moves a
    copy of z, and the next layer reads the mean of the copies over the modalities that the item has:

        [x_m; z_m] = block_m([x_m; z]),   z = mean_m z_m

    Attention costs the sum of the squares of the modalities' lengths, not the square of their sum, and no modality can
    flood another. The pooled vectors are the first tokens, the embedding their mean by ``weights``.

    Args:
        modalities: the m columns.
        dim: width d.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).
        latents: how many bottleneck tokens.
        shared: one set of blocks for all modalities, which a learned vector tells apart; False, as in the paper, gives
            each its own, so that parameters grow with the number of modalities.

    Raises:
        ConfigError: with fewer than two layers or no latent nothing would cross.
    """

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        dim: Count,
        shape: TransformerShape = FUSION_SHAPE,
        latents: Count = 4,
        shared: bool = False,
    ) -> None:
        if shape.layers < 2 or latents < 1:
            raise ConfigError(
                [
                    "fusion 'bottleneck': modalities meet from the second layer on, in latents; expected layers >= 2 "
                    f"and latents >= 1, got layers={shape.layers}, latents={latents}"
                ]
            )
        super().__init__()
        self.modalities = tuple(modalities)
        self.dim = dim
        self.kinds = nn.Parameter(torch.empty(len(self.modalities), dim))
        self.latents = nn.Parameter(torch.empty(latents, dim))
        self.dropout = nn.Dropout(shape.dropout)
        self.layers = nn.ModuleList()
        for _ in range(shape.layers):
            self.layers.append(_blocks(1 if shared else len(self.modalities), dim, shape))
        self.layers.apply(init_weights)
        for table in (self.kinds, self.latents):
            nn.init.trunc_normal_(table, std=0.02)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        present = presence(self, tokens, weights)
        fused = dict(tokens) | self._mix(_without_empty(tokens), present)
        pooled = stack_summaries(self, fused, present)
        return Fused(fused, pooled, weighted_sum(pooled, weights), weights)

    def _mix(self, tokens: Mapping[str, Tokens], present: Tensor) -> dict[str, Tokens]:
        if not tokens:
            return {}
        columns, streams, places = {}, {}, {}
        for column, name in enumerate(self.modalities):
            if name in tokens:
                columns[name] = column
                streams[name] = self.dropout(tokens[name].values + self.kinds[column])
                places[name] = self._places(tokens[name])
        # At least 1, or the latents of an item with nothing would be 0 / 0.
        count = present.sum(1).clamp(min=1)[:, None, None]
        latents = self.latents.expand(present.shape[0], -1, -1)
        for layer in cast(Iterable[nn.ModuleList], self.layers):
            copies = []
            for name, column in columns.items():
                # Every modality reads the latents of the layer before: within a layer none sees another one's copy.
                values = places[name].pack(torch.cat([latents, streams[name]], dim=1))
                # With shared blocks a layer has one, which every column then means.
                moved = places[name].unpack(layer[column % len(layer)](values, places[name]))  # zeros where absent
                copies.append(moved[:, : len(self.latents)])
                streams[name] = moved[:, len(self.latents) :]
            latents = torch.stack(copies).sum(0) / count
        return {name: Tokens(values, tokens[name].lengths) for name, values in streams.items()}

    def _places(self, tokens: Tokens) -> Packing:
        """Where a modality's tokens stand behind the latents; none of either where it is absent."""
        extra = len(self.latents)
        lengths = torch.where(tokens.lengths > 0, tokens.lengths + extra, 0)
        return Packing.from_lengths(lengths, tokens.values.shape[1] + extra, tokens.values.device)


def _without_empty(tokens: Mapping[str, Tokens]) -> dict[str, Tokens]:
    """Only the modalities of which the batch has any token."""
    return {name: each for name, each in tokens.items() if may_have_tokens(each.lengths)}


def _blocks(count: int, dim: int, shape: TransformerShape) -> nn.ModuleList:
    """The blocks of one layer: one for each modality, or one for all."""
    blocks = nn.ModuleList()
    for _ in range(count):
        block = Block(dim=dim, heads=shape.heads, ratio=shape.ratio, dropout=shape.dropout, activation="gelu")
        blocks.append(block)
    return blocks
