"""Self-attention over packed tokens."""

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from m5kit.errors import ConfigError
from m5kit.nn import varlen
from m5kit.nn.packing import Packing


class SelfAttention(nn.Module):
    """Multi-head attention of each item's tokens over one another.

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
        self.project = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, values: Tensor, packing: Packing) -> Tensor:
        """Mix ``n d`` tokens within each item."""
        projected = self.project(values)
        if packing.starts is not None and varlen.fits(projected, self.heads):
            return self.out(varlen.attend(projected, packing.starts, packing.size, self.heads))  # type: ignore[no-any-return]
        # The projections ran on real tokens only; attention itself needs a grid, with the padding masked.
        padded = packing.unpack(projected)  # b l 3d
        heads = padded.view(*padded.shape[:2], 3, self.heads, values.shape[-1] // self.heads)
        # to 3 b heads l d, then apart
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=packing.keys)
        return self.out(packing.pack(mixed.transpose(1, 2).flatten(2)))  # type: ignore[no-any-return]


def check_heads(dim: int, heads: int) -> None:
    """Refuse a number of heads that does not divide the width.

    Raises:
        ConfigError: ``heads`` does not divide ``dim``.
    """
    if dim % heads:
        raise ConfigError([f"heads {heads} does not divide dim {dim}; choose a divisor of {dim}"])
