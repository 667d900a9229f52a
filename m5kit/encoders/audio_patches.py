"""Sound as stretches of a log-mel spectrogram: a convolutional stem over time and frequency, then a transformer."""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from m5kit.encoders.base import Encoder
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.stem import ACTIVATIONS, Activation
from m5kit.nn.transformer import SummaryTransformer, TransformerShape
from m5kit.ranges import Count
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens, length_mask


@ENCODERS.register_module("audio_patches")
class AudioPatches(Encoder):
    """A compact audio encoder that learns from scratch.

    What a task may hide, and must then predict, is a stretch of ``patch`` steps of all bands. The stem's norms look at
    one time step each, and steps past the end are zeros before every convolution, so padding changes nothing.

    Args:
        dim: width d of the tokens.
        mels: how many mel bands a step has.
        steps: the most time steps.
        patch: time steps of a token, an even number.
        width: channels of the stem's first stage.
        activation: of the stem. ``silu`` has no jump in its gradient, so that several processes end where one does;
            ``relu`` is what runs of earlier versions have.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).

    Raises:
        ConfigError: ``patch`` is odd.
    """

    shareable = "transformer"

    def __init__(
        self,
        *,
        dim: Count,
        mels: Count,
        steps: Count,
        patch: Count = 10,
        width: Count = 16,
        activation: Activation = "relu",
        shape: TransformerShape = TransformerShape(),
    ) -> None:
        super().__init__()
        if patch % 2:
            raise ConfigError([f"patch {patch} is odd; the stem halves the time steps, so choose an even number"])
        self.dim = dim
        self.patch = patch
        halved = [-(-mels // factor) for factor in (2, 4, 8)]
        self.stem = nn.ModuleList(
            [
                Stage(channels=1, width=width, bands=halved[0], stride=2, activation=activation),
                Stage(channels=width, width=2 * width, bands=halved[1], stride=1, activation=activation),
                Stage(channels=2 * width, width=2 * width, bands=halved[2], stride=1, activation=activation),
            ]
        )
        self.out = nn.Linear(patch // 2 * halved[2] * 2 * width, dim)
        self.raw = nn.Linear(patch * mels, dim)
        self.positions = nn.Parameter(torch.empty(-(-steps // patch), dim))
        self.transformer = SummaryTransformer(dim=dim, **shape.arguments)
        for weight in (self.out.weight, self.raw.weight, self.positions):
            nn.init.trunc_normal_(weight, std=0.02)

    def observe(self, inputs: Inputs) -> Observation:
        """Stretches ``p l e`` of ``p t mels`` log-mel steps; the last one of a sound is filled up with zeros.

        Raises:
            ContractError: a sound has more steps than the encoder was built for.
        """
        steps = inputs.values.shape[1]
        if steps > self.patch * len(self.positions):
            raise ContractError(
                f"a sound has {steps} steps, the encoder was built for {self.patch * len(self.positions)}; set the "
                "same steps in the transform and in the encoder"
            )
        real = length_mask(inputs.lengths, steps, inputs.values.device)
        values = pad(inputs.values.masked_fill(~real[..., None], 0.0), (0, 0, 0, -steps % self.patch))
        items, padded, mels = values.shape
        stretches = values.reshape(items, padded // self.patch, self.patch * mels)
        return Observation(stretches, (inputs.lengths + self.patch - 1) // self.patch)

    def encode(self, observation: Observation) -> Tokens:
        """Contextual stretches ``p 1+l d``."""
        stretches = observation.values.masked_fill(~observation.mask[..., None], 0.0)
        items, count, width = stretches.shape
        maps = stretches.reshape(items, 1, count * self.patch, width // self.patch)  # p 1 t mels
        for stage in self.stem:
            maps = stage(maps, observation.mask)
        seen = maps.permute(0, 2, 3, 1).reshape(items, count, self.out.in_features)
        values = self.out(seen) + self.raw(stretches) + self.positions[: stretches.shape[1]]
        return Tokens(self.transformer(values, observation.lengths), observation.lengths + 1)

    @classmethod
    def example(cls) -> tuple["AudioPatches", Inputs]:
        """A small instance, and three sounds of different lengths."""
        encoder = cls(dim=16, mels=12, steps=20, patch=4, width=8, shape=TransformerShape(layers=1, heads=2))
        return encoder, Inputs.stack([Inputs.single(torch.randn(length, 12)) for length in (9, 20, 3)])


class Stage(nn.Module):
    """A convolution that halves the bands, a norm of each time step by itself, and zeros past the end.

    Args:
        channels: channels c that go in.
        width: channels that come out.
        bands: bands f that come out.
        stride: what the number of time steps is divided by.
        activation: what follows the norm.
    """

    def __init__(self, *, channels: int, width: int, bands: int, stride: int, activation: Activation) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, width, 3, stride=(stride, 2), padding=1, bias=False)
        self.norm = nn.LayerNorm((bands, width))
        self.activation = ACTIVATIONS[activation]()
        nn.init.kaiming_normal_(self.convolution.weight, nonlinearity="relu")

    def forward(self, maps: Tensor, real: Tensor) -> Tensor:
        """``p c t f`` to ``p c t f``; ``real`` is the mask ``p l`` of the tokens that share t equally."""
        maps = self.convolution(maps.contiguous(memory_format=torch.channels_last))
        series: Tensor = self.activation(self.norm(maps.permute(0, 2, 3, 1)))  # p t f c
        steps = real.repeat_interleave(series.shape[1] // real.shape[1], dim=1)
        return series.masked_fill(~steps[..., None, None], 0.0).permute(0, 3, 1, 2)
