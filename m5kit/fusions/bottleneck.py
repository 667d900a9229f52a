"""Attention bottleneck: modalities tell each other only what fits into a few tokens."""

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.fusions.base import Fusion
from m5kit.nn.packing import Packing
from m5kit.nn.pooling import present_columns, stack_columns, weighted_sum
from m5kit.nn.transformer import FUSION_SHAPE, Block, TransformerShape, init_weights
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
        dim: int,
        shape: TransformerShape = FUSION_SHAPE,
        latents: int = 4,
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
        present = present_columns({m: t.lengths for m, t in tokens.items()}, self.modalities, len(weights))
        present = present.to(weights.device, non_blocking=True)
        fused = {**tokens, **self._mix({m: t for m, t in tokens.items() if t.lengths.any()}, present)}
        pooled = stack_columns({m: t.summary for m, t in fused.items()}, self.modalities, present, self.dim)
        return Fused(fused, pooled, weighted_sum(pooled, weights), weights)

    def _mix(self, tokens: Mapping[str, Tokens], present: Tensor) -> dict[str, Tokens]:
        if not tokens:
            return {}
        columns = {name: column for column, name in enumerate(self.modalities) if name in tokens}
        count = present.sum(1).clamp(min=1)[:, None, None]
        latents = self.latents.expand(len(present), -1, -1)
        streams = {m: self.dropout(tokens[m].values + self.kinds[column]) for m, column in columns.items()}
        places = {m: self._places(tokens[m]) for m in columns}
        for layer in cast(Iterable[nn.ModuleList], self.layers):
            copies = []
            for m, column in columns.items():
                values = places[m].pack(torch.cat([latents, streams[m]], dim=1))
                moved = places[m].unpack(layer[column % len(layer)](values, places[m]))  # zeros where absent
                copies.append(moved[:, : len(self.latents)])
                streams[m] = moved[:, len(self.latents) :]
            latents = torch.stack(copies).sum(0) / count
        return {m: Tokens(values, tokens[m].lengths) for m, values in streams.items()}

    def _places(self, tokens: Tokens) -> Packing:
        """Where a modality's tokens stand behind the latents; none of either where it is absent."""
        extra = len(self.latents)
        lengths = torch.where(tokens.lengths > 0, tokens.lengths + extra, 0)
        return Packing.from_lengths(lengths, tokens.values.shape[1] + extra, tokens.values.device)


def _blocks(count: int, dim: int, shape: TransformerShape) -> nn.ModuleList:
    """The blocks of one layer: one for each modality, or one for all."""
    blocks = nn.ModuleList()
    for _ in range(count):
        block = Block(dim=dim, heads=shape.heads, ratio=shape.ratio, dropout=shape.dropout, activation="gelu")
        blocks.append(block)
    return blocks
