"""Co-attention: every modality keeps a stream of its own and looks at all the others."""

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from m5kit.fusions.base import Fusion, presence, stack_summaries
from m5kit.nn.co_attention import CoAttentionBlock, co_attend, others, seen_keys
from m5kit.nn.packing import Packing, may_have_tokens
from m5kit.nn.pooling import weighted_sum
from m5kit.nn.transformer import FUSION_SHAPE, TransformerShape, init_weights
from m5kit.ranges import Count
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens


@FUSIONS.register_module("cross_attention")
class CrossAttentionFusion(Fusion):
    """Co-attention, as in ViLBERT and LXMERT (arXiv 1908.02265, 1908.07490), for any number of modalities.

    In each layer, with x_m the tokens of a modality and [x_others] those of all other modalities the item has:

        x_m += self(norm(x_m));  x_m += cross(norm(x_m), [norm(x_others)]);  x_m += mlp(norm(x_m))

    A modality that stands alone in its item gets nothing from ``cross``. The pooled vectors are the first tokens, the
    embedding their mean by ``weights``.

    Args:
        modalities: the m columns.
        dim: width d.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).
        shared: one set of blocks for all streams, which a learned vector tells apart; False, as in the papers, gives
            each its own, so that parameters grow with the number of modalities.
    """

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        dim: Count,
        shape: TransformerShape = FUSION_SHAPE,
        shared: bool = False,
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.dim = dim
        self.kinds = nn.Parameter(torch.empty(len(self.modalities), dim))
        self.dropout = nn.Dropout(shape.dropout)
        self.layers = nn.ModuleList()
        for _ in range(shape.layers):
            self.layers.append(_blocks(1 if shared else len(self.modalities), dim, shape))
        self.apply(init_weights)
        nn.init.trunc_normal_(self.kinds, std=0.02)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        present = presence(self, tokens, weights)
        fused = dict(tokens) | self._mix(tokens)
        pooled = stack_summaries(self, fused, present)
        return Fused(fused, pooled, weighted_sum(pooled, weights), weights)

    def _mix(self, tokens: Mapping[str, Tokens]) -> dict[str, Tokens]:
        columns, parts = {}, []
        for column, name in enumerate(self.modalities):
            # A modality of which the batch has no token gives the others nothing to look at.
            if name in tokens and may_have_tokens(tokens[name].lengths):
                columns[name] = column
                parts.append(tokens[name])
        lengths = [part.lengths for part in parts]
        sizes = [part.values.shape[1] for part in parts]
        places, streams, seen = [], [], []
        for index, (part, column) in enumerate(zip(parts, columns.values(), strict=True)):
            place = Packing.from_lengths(part.lengths, sizes[index], self.kinds.device)
            places.append(place)
            streams.append(self.dropout(place.pack(part.values + self.kinds[column])))
            seen.append(seen_keys(others(lengths, index), others(sizes, index), self.kinds.device))
        for layer in cast(Iterable[nn.ModuleList], self.layers):
            # With shared blocks a layer has one, which every column then means.
            blocks = cast(list[CoAttentionBlock], [layer[column % len(layer)] for column in columns.values()])
            streams = co_attend(blocks, streams, places, seen)
        fused = {}
        for name, place, stream in zip(columns, places, streams, strict=True):
            fused[name] = Tokens(place.unpack(stream), tokens[name].lengths)
        return fused


def _blocks(count: int, dim: int, shape: TransformerShape) -> nn.ModuleList:
    """The blocks of one layer: one for each stream, or one for all."""
    blocks = nn.ModuleList()
    for _ in range(count):
        blocks.append(CoAttentionBlock(dim=dim, heads=shape.heads, ratio=shape.ratio, dropout=shape.dropout))
    return blocks
