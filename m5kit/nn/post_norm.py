"""The transformer of BERT: norms after each residual branch."""

import torch
from torch import Tensor, nn

from m5kit.nn.attention import check_heads
from m5kit.nn.transformer import init_weights


class PostNormStack(nn.Module):
    """``x = norm(x + attention(x)); x = norm(x + mlp(x))`` (Transformer, 2017), dropout on both branches.

    Pre-norm blocks train more stably; these are for parity with papers that build on BERT.

    Args:
        dim: width d.
        layers: how many blocks.
        heads: attention heads a block.
        ratio: hidden width of the perceptrons over d.
        dropout: rate on attention and on every residual branch.
    """

    def __init__(self, *, dim: int, layers: int, heads: int, ratio: float = 4.0, dropout: float = 0.0) -> None:
        super().__init__()
        check_heads(dim, heads)
        hidden = round(dim * ratio)
        self.blocks = nn.ModuleList()
        for _ in range(layers):
            # torch's layer is post-norm by default
            block = nn.TransformerEncoderLayer(dim, heads, hidden, dropout, nn.functional.gelu, batch_first=True)
            self.blocks.append(block)
        self.apply(init_weights)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Transform ``b l d``; the first ``lengths`` (``b``, host) tokens of a row are real, others become zeros."""
        # a row without tokens attends to one padded slot, or softmax would give NaN
        padded = (torch.arange(values.shape[1]) >= lengths.clamp(min=1)[:, None]).to(values.device, non_blocking=True)
        for block in self.blocks:
            values = block(values, src_key_padding_mask=padded)
        return values.masked_fill(padded[..., None], 0.0)
