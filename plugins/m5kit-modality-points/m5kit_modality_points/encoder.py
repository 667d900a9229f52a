"""Patches of points, each a token, made contextual by a transformer."""

import torch
from torch import nn
from torch.nn.functional import pad

from m5kit.api import Encoder, Inputs, Observation, Tokens


class PointTokens(Encoder):
    """What a task may hide, and must then predict, are the coordinates of a patch.

    A patch says where it is, so the tokens are a set and need no positions.

    Args:
        dim: width of the tokens.
        numbers: how many numbers a patch has; the transform knows.
        layers: transformer blocks.
        heads: attention heads a block.
        dropout: rate in the transformer.
    """

    def __init__(self, *, dim: int, numbers: int, layers: int = 2, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.dim = dim
        self.patch = nn.Sequential(nn.Linear(numbers, dim), nn.GELU(), nn.Linear(dim, dim))
        self.summary = nn.Parameter(torch.zeros(1, 1, dim))
        block = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, nn.LayerNorm(dim), enable_nested_tensor=False)

    def observe(self, inputs: Inputs) -> Observation:
        """The patches ``p l e`` as they are."""
        return Observation(inputs.values, inputs.lengths)

    def encode(self, observation: Observation) -> Tokens:
        """Contextual patches ``p 1+l d``."""
        patches = self.patch(observation.values)
        tokens = torch.cat([self.summary.expand(len(patches), -1, -1), patches], dim=1)
        padding = pad(~observation.mask, (1, 0))
        return Tokens(self.blocks(tokens, src_key_padding_mask=padding), observation.lengths + 1)

    @classmethod
    def example(cls) -> tuple["PointTokens", Inputs]:
        """A small instance and three clouds, for the conformance kit."""
        clouds = [Inputs.single(torch.randn(length, 15)) for length in (4, 6, 1)]
        return cls(dim=16, numbers=15, layers=1, heads=2), Inputs.stack(clouds)
