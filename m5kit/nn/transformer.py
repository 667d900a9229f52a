"""Pre-norm transformers that skip the padding."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu

from m5kit.arguments import ArgumentGroup
from m5kit.errors import ConfigError
from m5kit.nn.attention import SelfAttention
from m5kit.nn.packing import Packing
from m5kit.nn.pooling import length_mean
from m5kit.ranges import Count, Dropout, Natural, Positive


@dataclass(frozen=True)
class TransformerShape(ArgumentGroup):
    """Size of a transformer, except its width, which the part has anyway.

    Args:
        layers: how many blocks.
        heads: attention heads a block; must divide the width.
        ratio: hidden width of the perceptrons over the width.
        dropout: rate on the tokens that go in and on every residual branch.
    """

    layers: Natural = 2
    heads: Count = 4
    ratio: Positive = 2.0
    dropout: Dropout = 0.1


FUSION_SHAPE = TransformerShape(heads=8, ratio=4.0)
"""The default of fusions: they read the tokens of all modalities, so they are wider than an encoder's stack."""


class QuickGELU(nn.Module):
    """``x * sigmoid(1.702 x)``, the GELU of CLIP and of SCALE's joint transformer."""

    def forward(self, values: Tensor) -> Tensor:
        """Apply it element by element."""
        return _QuickGELU.apply(values)  # type: ignore[no-any-return]


class _QuickGELU(torch.autograd.Function):
    """``silu(1.702 x) / 1.702``, whose slope is that of ``silu`` at ``1.702 x``: one operation and not three."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        scaled = 1.702 * values
        ctx.save_for_backward(scaled)
        return silu(scaled).div_(1.702)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (scaled,) = ctx.saved_tensors
        return torch.ops.aten.silu_backward(gradients[0], scaled)  # type: ignore[no-any-return]


ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "quick_gelu": QuickGELU}


class Block(nn.Module):
    """``x += attention(norm(x)); x += mlp(norm(x))``, dropout on both branches."""

    def __init__(self, *, dim: int, heads: int, ratio: float, dropout: float, activation: str) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ConfigError([f"no activation is named {activation!r}; choose one of {', '.join(ACTIVATIONS)}"])
        hidden = int(dim * ratio)
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = SelfAttention(dim=dim, heads=heads)
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), ACTIVATIONS[activation](), nn.Linear(hidden, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, values: Tensor, packing: Packing) -> Tensor:
        """Transform ``n d`` packed tokens."""
        values = values + self.dropout(self.attention(self.attention_norm(values), packing))
        branch: Tensor = self.dropout(self.mlp(self.mlp_norm(values)))
        return values + branch


class TransformerStack(nn.Module):
    """Pre-norm blocks without a final norm.

    Args:
        dim: width d.
        layers: how many blocks.
        heads: attention heads a block.
        ratio: hidden width of the perceptrons over d.
        dropout: rate on every residual branch.
        activation: ``gelu`` or ``quick_gelu``.
        packed: False computes the padding too, as a reference for tests and benchmarks.
    """

    def __init__(
        self,
        *,
        dim: int,
        layers: int,
        heads: int,
        ratio: float = 4.0,
        dropout: float = 0.0,
        activation: str = "gelu",
        packed: bool = True,
    ) -> None:
        super().__init__()
        self.packed = packed
        self.blocks = nn.ModuleList(
            Block(dim=dim, heads=heads, ratio=ratio, dropout=dropout, activation=activation) for _ in range(layers)
        )
        self.apply(init_weights)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Transform the first ``lengths`` (``b``, host) tokens of the rows of ``b l d``; the others become zeros."""
        packing = Packing.from_lengths(lengths, values.shape[1], values.device)
        return packing.unpack(self.transform(packing.pack(values), packing))

    def transform(self, values: Tensor, packing: Packing) -> Tensor:
        """Transform ``n d`` tokens that are packed already."""
        if values.shape[0] == 0:
            return values
        if not self.packed:
            # the same computation over all slots, to compare results and times with
            slots = packing.dense()
            return packing.pack(slots.unpack(self._run(slots.pack(packing.unpack(values)), slots)))
        return self._run(values, packing)

    def _run(self, values: Tensor, packing: Packing) -> Tensor:
        """Apply all blocks."""
        for block in self.blocks:
            values = block(values, packing)
        return values


class SummaryTransformer(nn.Module):
    """Puts a summary token before the tokens, then makes all of them contextual.

    The summary starts as a learned vector plus the mean of the real tokens (SCALE's global token), so it says something
    from the first step on. Norms before the first and after the last block keep widely different inputs in one range.

    Args:
        dim: width d.
        layers: how many blocks.
        heads: attention heads a block.
        ratio: hidden width of the perceptrons over d.
        dropout: rate on the tokens that go in and on every residual branch.
        packed: False computes the padding too, as a reference.
    """

    def __init__(
        self, *, dim: int, layers: int, heads: int, ratio: float = 4.0, dropout: float = 0.0, packed: bool = True
    ) -> None:
        super().__init__()
        self.summary = nn.Parameter(torch.empty(dim))
        self.norm_in = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.stack = TransformerStack(dim=dim, layers=layers, heads=heads, ratio=ratio, dropout=dropout, packed=packed)
        self.norm_out = nn.LayerNorm(dim)
        nn.init.trunc_normal_(self.summary, std=0.02)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Transform ``b l d`` with ``lengths`` (``b``, host) real tokens into ``b 1+l d``, padding zero."""
        first = self.summary + length_mean(values, lengths)
        values = torch.cat([first[:, None], values], dim=1)
        packing = Packing.from_lengths(lengths + 1, values.shape[1], values.device)
        tokens = self.stack.transform(self.dropout(self.norm_in(packing.pack(values))), packing)
        return packing.unpack(self.norm_out(tokens))


def init_weights(module: nn.Module) -> None:
    """Truncated normal of deviation 0.02 for matrices and embeddings, zero biases; for ``nn.Module.apply``."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.trunc_normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
