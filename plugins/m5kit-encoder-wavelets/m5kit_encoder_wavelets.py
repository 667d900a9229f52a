"""Pictures as wavelet packets, with the filters of PyWavelets."""

import pywt
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from m5kit.api import ConfigError, Encoder, Inputs, Observation, Tokens

CENTRE, SPREAD = 127.5, 63.75
"""Byte values that become 0 and, by their difference, 1."""


class Wavelets(Encoder):
    """What a task may hide, and must then predict, are the coefficients of a place in all bands.

    Each level halves the picture and splits each of its bands in four. The transform is a convolution on the device;
    PyWavelets gives the filters. It is orthogonal, so no information is lost and the target cannot collapse.

    Args:
        dim: width of the tokens.
        size: side of a picture in pixels, a multiple of ``2 ** levels``.
        wavelet: a name that ``pywt.wavelist(kind="discrete")`` lists.
        levels: how often the picture is halved.
        layers: transformer blocks.
        heads: attention heads a block.
        dropout: rate in the transformer.

    Raises:
        ConfigError: the wavelet is unknown, or ``size`` cannot be halved so often.
    """

    filters: Tensor

    def __init__(
        self,
        *,
        dim: int,
        size: int,
        wavelet: str = "db2",
        levels: int = 3,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if wavelet not in pywt.wavelist(kind="discrete"):
            raise ConfigError(
                [f"wavelet: PyWavelets knows no discrete {wavelet!r}; see pywt.wavelist(kind='discrete')"]
            )
        if size % 2**levels:
            raise ConfigError([f"levels: a picture of {size} pixels cannot be halved {levels} times; take fewer"])
        self.dim, self.levels = dim, levels
        self.register_buffer("filters", _filters(wavelet), persistent=False)
        self.project = nn.Linear(3 * 4**levels, dim)
        self.positions = nn.Parameter(0.02 * torch.randn((size // 2**levels) ** 2, dim))
        self.summary = nn.Parameter(torch.zeros(1, 1, dim))
        block = nn.TransformerEncoderLayer(dim, heads, 2 * dim, dropout, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, nn.LayerNorm(dim), enable_nested_tensor=False)

    def observe(self, inputs: Inputs) -> Observation:
        """Coefficients ``p l e`` of uint8 ``p 3 h w`` pictures."""
        bands = (inputs.values.float() - CENTRE) / SPREAD
        for _ in range(self.levels):
            bands = self._split(bands)
        values = bands.flatten(2).mT
        return Observation(values, torch.full((len(values),), values.shape[1]))

    def encode(self, observation: Observation) -> Tokens:
        """Contextual places ``p 1+l d``."""
        places = self.project(observation.values) + self.positions
        tokens = torch.cat([self.summary.expand(len(places), -1, -1), places], dim=1)
        padding = pad(~observation.mask, (1, 0))
        return Tokens(self.blocks(tokens, src_key_padding_mask=padding), observation.lengths + 1)

    def _split(self, bands: Tensor) -> Tensor:
        """One level: ``p c h w`` to ``p 4c h/2 w/2``, periodic at the edges."""
        items, channels, height, width = bands.shape
        extra = self.filters.shape[-1] - 2
        wrapped = pad(bands.reshape(items * channels, 1, height, width), (0, extra, 0, extra), mode="circular")
        return conv2d(wrapped, self.filters, stride=2).reshape(items, 4 * channels, height // 2, width // 2)

    @classmethod
    def example(cls) -> tuple["Wavelets", Inputs]:
        """A small instance and three pictures, for the conformance kit."""
        encoder = cls(dim=16, size=16, levels=2, layers=1, heads=2)
        pictures = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
        return encoder, Inputs.stack([Inputs.single(picture, length=1) for picture in pictures])


def _filters(wavelet: str) -> Tensor:
    """The four two-dimensional filters ``4 1 n n`` of one level."""
    bank = pywt.Wavelet(wavelet)
    low, high = torch.tensor(bank.dec_lo).flip(0), torch.tensor(bank.dec_hi).flip(0)
    return torch.stack([torch.outer(a, b) for a in (low, high) for b in (low, high)])[:, None]
