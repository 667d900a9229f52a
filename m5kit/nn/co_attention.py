"""Transformer layers for several streams of tokens, with self-attention and then attention across streams.

Shape letters: b item, l token, k token of the other streams, d width, n real token of the whole batch.
"""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from m5kit.nn.attention import SelfAttention, check_heads
from m5kit.nn.packing import Packing, is_padded_layout

T = TypeVar("T")


class CrossAttention(nn.Module):
    """Multi-head attention of one stream's tokens over the keys and values of other streams.

    A stream projects its own tokens to keys and values once (:meth:`offer`), for all streams that attend to it. An item
    whose other streams are empty gets zeros: its keys and values are zeros, and the output has no bias.

    Args:
        dim: width d.
        heads: how many heads; must divide ``dim``.

    Raises:
        ConfigError: ``heads`` does not divide ``dim``.
    """

    def __init__(self, *, dim: int, heads: int) -> None:
        super().__init__()
        check_heads(dim, heads)
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.keys_values = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim, bias=False)

    def offer(self, values: Tensor, packing: Packing) -> Tensor:
        """Keys and values ``b l 2d`` of ``n d`` tokens, zeros in the padding."""
        return packing.unpack(self.keys_values(values))

    def forward(self, values: Tensor, packing: Packing, offers: Tensor, seen: Tensor | None) -> Tensor:
        """Mix what ``n d`` tokens see in ``offers`` ``b k 2d``; ``seen`` is the mask of :func:`seen_keys`."""
        query = self._heads(packing.unpack(self.query(values)))
        key, value = (self._heads(part) for part in offers.chunk(2, dim=-1))
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return self.out(packing.pack(mixed.transpose(1, 2).flatten(2)))  # type: ignore[no-any-return]

    def _heads(self, values: Tensor) -> Tensor:
        """``b l d`` to ``b heads l d/heads``."""
        return values.view(*values.shape[:2], self.heads, -1).transpose(1, 2)


class CoAttentionBlock(nn.Module):
    """``x += self(norm(x)); x += cross(norm(x), others); x += mlp(norm(x))``, dropout on all three branches.

    Args:
        dim: width d.
        heads: attention heads, the same in both attentions.
        ratio: hidden width of the perceptron over d.
        dropout: rate on every residual branch.
    """

    def __init__(self, *, dim: int, heads: int, ratio: float, dropout: float) -> None:
        super().__init__()
        hidden = int(dim * ratio)
        self.self_norm = nn.LayerNorm(dim)
        self.self_attention = SelfAttention(dim=dim, heads=heads)
        self.cross_norm = nn.LayerNorm(dim)
        self.cross_attention = CrossAttention(dim=dim, heads=heads)
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))
        self.dropout = nn.Dropout(dropout)

    def look_at_itself(self, values: Tensor, packing: Packing) -> Tensor:
        """The first branch, on ``n d`` packed tokens."""
        mixed: Tensor = self.dropout(self.self_attention(self.self_norm(values), packing))
        return values + mixed

    def offer(self, values: Tensor, packing: Packing) -> Tensor:
        """The keys and values ``b l 2d`` for other streams."""
        return self.cross_attention.offer(self.cross_norm(values), packing)

    def look_at_others(self, values: Tensor, packing: Packing, offers: Tensor | None, seen: Tensor | None) -> Tensor:
        """The other two branches; ``offers`` is None if no item in the batch has another stream."""
        if offers is not None:
            values = values + self.dropout(self.cross_attention(self.cross_norm(values), packing, offers, seen))
        branch: Tensor = self.dropout(self.mlp(self.mlp_norm(values)))
        return values + branch


def co_attend(
    blocks: Sequence[CoAttentionBlock],
    streams: Sequence[Tensor],
    packings: Sequence[Packing],
    seen: Sequence[Tensor | None],
) -> list[Tensor]:
    """One layer over all streams: each attends to the others as they are after their self-attention.

    Args:
        blocks: of each stream; may be the same one.
        streams: ``n d`` each, packed.
        packings: of each stream.
        seen: of each stream, :func:`seen_keys` of the others.
    """
    # In three passes, so that every stream reads the others in the same state, whatever their order.
    streams = [block.look_at_itself(v, p) for block, v, p in zip(blocks, streams, packings, strict=True)]
    offers = [block.offer(v, p) for block, v, p in zip(blocks, streams, packings, strict=True)]
    mixed = []
    for i, values in enumerate(streams):
        offered = _joined(others(offers, i))
        mixed.append(blocks[i].look_at_others(values, packings[i], offered, seen[i]))
    return mixed


def seen_keys(lengths: Sequence[Tensor], sizes: Sequence[int], device: torch.device | str = "cpu") -> Tensor | None:
    """The attention mask over the padded grids of several streams side by side.

    Args:
        lengths: ``b`` on the host, of each stream.
        sizes: how far each stream is padded.
        device: where the mask goes.

    Returns:
        ``b 1 1 k`` bool, None if it may look everywhere. A row with nothing to see looks at one empty slot: softmax
        would divide zero by zero.

    Example:
        >>> seen_keys([torch.tensor([1, 0]), torch.tensor([1, 0])], [2, 1]).int().squeeze()
        tensor([[1, 0, 1],
                [1, 0, 0]], dtype=torch.int32)
    """
    masks = [torch.arange(size) < length[:, None] for length, size in zip(lengths, sizes, strict=True)]
    if not masks:
        return None
    seen = torch.cat(masks, dim=1)
    seen[:, 0] |= ~seen.any(dim=1)
    if not is_padded_layout() and seen.all():
        return None
    return seen[:, None, None].to(device, non_blocking=True)


def others(sequence: Sequence[T], index: int) -> list[T]:
    """All but one.

    Example:
        >>> others("abc", 1)
        ['a', 'c']
    """
    return [*sequence[:index], *sequence[index + 1 :]]


def _joined(offers: list[Tensor]) -> Tensor | None:
    """The keys and values of several streams side by side; None if there is no other stream."""
    return torch.cat(offers, dim=1) if offers else None
