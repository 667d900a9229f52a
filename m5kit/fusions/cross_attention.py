"""Co-attention: every modality keeps a stream of its own and looks at all the others."""

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import cast

import torch
from torch import Tensor, nn

from m5kit.fusions.base import Fusion
from m5kit.nn.co_attention import CoAttentionBlock, co_attend, others, seen_keys
from m5kit.nn.packing import Packing
from m5kit.nn.pooling import present_columns, stack_columns, weighted_sum
from m5kit.nn.transformer import FUSION_SHAPE, TransformerShape, init_weights
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
        dim: int,
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
        present = present_columns({m: t.lengths for m, t in tokens.items()}, self.modalities, len(weights))
        present = present.to(weights.device, non_blocking=True)
        fused = {**tokens, **self._mix({m: t for m, t in tokens.items() if t.lengths.any()})}
        pooled = stack_columns({m: t.summary for m, t in fused.items()}, self.modalities, present, self.dim)
        return Fused(fused, pooled, weighted_sum(pooled, weights), weights)

    def _mix(self, tokens: Mapping[str, Tokens]) -> dict[str, Tokens]:
        columns = [column for column, name in enumerate(self.modalities) if name in tokens]
        parts = [tokens[self.modalities[column]] for column in columns]
        lengths, sizes = [part.lengths for part in parts], [part.values.shape[1] for part in parts]
        places = list(map(Packing.from_lengths, lengths, sizes, repeat(self.kinds.device)))
        told = [part.values + self.kinds[column] for part, column in zip(parts, columns, strict=True)]
        streams = [self.dropout(place.pack(values)) for place, values in zip(places, told, strict=True)]
        seen = [seen_keys(others(lengths, i), others(sizes, i), self.kinds.device) for i in range(len(parts))]
        for layer in cast(Iterable[nn.ModuleList], self.layers):
            blocks = cast(list[CoAttentionBlock], [layer[column % len(layer)] for column in columns])
            streams = co_attend(blocks, streams, places, seen)
        mixed = [Tokens(place.unpack(s), n) for place, s, n in zip(places, streams, lengths, strict=True)]
        return dict(zip((self.modalities[column] for column in columns), mixed, strict=True))


def _blocks(count: int, dim: int, shape: TransformerShape) -> nn.ModuleList:
    """The blocks of one layer: one for each stream, or one for all."""
    blocks = nn.ModuleList()
    for _ in range(count):
        blocks.append(CoAttentionBlock(dim=dim, heads=shape.heads, ratio=shape.ratio, dropout=shape.dropout))
    return blocks
