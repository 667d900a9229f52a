"""Attention bottlenecks: modalities exchange what they know through a few shared tokens."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from m5kit.api import ConfigError, Fused, Fusion, Tokens


class AttentionBottlenecks(Fusion):
    """Each modality attends to itself and, from one layer on, to ``tokens`` shared ones, averaged after every layer.

    Attention costs the sum of the squared lengths instead of the square of their sum, and a modality must condense
    what it tells the others. The layers before the exchange give each modality time to find what is worth telling.

    Args:
        modalities: the m columns.
        dim: width d.
        layers: blocks of each modality; every modality has its own.
        exchange_from: the first layer that exchanges, counted from 0 (the paper's L_f); 0 exchanges in all of them.
        tokens: how many bottleneck tokens there are; the paper finds 4 enough.
        heads: attention heads a block.
        dropout: rate in the blocks.

    Source: Nagrani et al., Attention Bottlenecks for Multimodal Fusion (NeurIPS 2021), equations 8 and 9.
    """

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        dim: int,
        layers: int = 4,
        exchange_from: int = 2,
        tokens: int = 4,
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if not 0 <= exchange_from <= layers - 2:  # what the first exchange tells is heard in the layer after it
            expected = f"expected 0 to {layers - 2}, so that two of {layers} layers exchange"
            raise ConfigError([f"exchange_from: {expected}; got {exchange_from}"])
        self.modalities, self.dim, self.exchange_from = tuple(modalities), dim, exchange_from
        self.shared = nn.Parameter(0.02 * torch.randn(tokens, dim))
        self.layers = nn.ModuleList(
            nn.ModuleDict({m: _block(dim, heads, dropout) for m in self.modalities}) for _ in range(layers)
        )

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        values = {m: tokens[m].values for m in self.modalities if m in tokens}
        shared = self.shared.expand(len(weights), -1, -1)
        for number, layer in enumerate(self.layers):
            if number < self.exchange_from:
                values = {m: _alone(layer[m], own, tokens[m]) for m, own in values.items()}
            else:
                values, shared = self._exchange(layer, values, shared, tokens)
        fused = {m: Tokens(values[m], tokens[m].lengths) for m in values}
        absent = weights.new_zeros(len(weights), self.dim)
        columns = [fused[m].summary * fused[m].mask[:, :1] if m in fused else absent for m in self.modalities]
        pooled = torch.stack(columns, dim=1)
        return Fused(fused, pooled, (pooled * weights[..., None]).sum(1), weights)

    def _exchange(
        self, layer: nn.Module, values: Mapping[str, Tensor], shared: Tensor, tokens: Mapping[str, Tokens]
    ) -> tuple[dict[str, Tensor], Tensor]:
        """One layer; the new bottleneck is the mean over the modalities that an item has."""
        count = shared.shape[1]
        moved, told, there = {}, torch.zeros_like(shared), torch.zeros_like(shared[:, :1, :1])
        for m, own in values.items():
            padding = pad(~tokens[m].mask, (count, 0))
            both = layer[m](torch.cat([shared, own], dim=1), src_key_padding_mask=padding)
            present = tokens[m].mask[:, :1, None].to(both.dtype)
            moved[m], told, there = both[:, count:], told + both[:, :count] * present, there + present
        return moved, told / there.clamp(min=1)


def _alone(block: nn.Module, own: Tensor, tokens: Tokens) -> Tensor:
    """One layer without exchange; a row without the modality sees its padding, since softmax over nothing is NaN."""
    hidden: Tensor = block(own, src_key_padding_mask=~tokens.mask & tokens.mask[:, :1])
    return hidden


def _block(dim: int, heads: int, dropout: float) -> nn.Module:
    return nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout, "gelu", batch_first=True, norm_first=True)
