"""A small residual convolutional stem: pictures become one vector for each patch."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from m5kit.nn.visual_statistics import colour_moments, oriented_gradients

STRIDE = 8
"""What the stages before the last shrink a side by; a patch must be a multiple of it."""
ORIENTATIONS, MOMENTS = 8, 6
"""Maps of a cell: edges by direction; mean and deviation of three colours."""
SPREAD = 3.0
"""Brings these maps, most of them between 0 and 0.7, to about -1 to 1."""

Activation = Literal["relu", "silu"]
"""What follows a norm. The gradient of a ReLU jumps: by a rounding error, many places pass one or none does."""
ACTIVATIONS: Mapping[Activation, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU}

Pooling = Literal["max", "mean"]
"""How four neighbours become one. The gradient of a maximum jumps: of two equal ones, a rounding error decides."""
POOLINGS: Mapping[Pooling, type[nn.Module]] = {"max": nn.MaxPool2d, "mean": nn.AvgPool2d}


class ConvStem(nn.Sequential):
    """Three halving stages, then one convolution over the remaining pixels of a patch.

    GroupNorm, not BatchNorm: one item must not affect another.

    Args:
        channels: channels c of the pictures.
        dim: width d of the result.
        patch: side of a patch in pixels, a multiple of 8.
        width: channels of the first stage; each next stage has twice as many.
        blocks: residual blocks in the second and in the third stage.
        activation: what follows a norm.
    """

    def __init__(
        self, *, channels: int, dim: int, patch: int, width: int, blocks: int, activation: Activation = "relu"
    ) -> None:
        layers: list[nn.Module] = [*_halve(channels, width, activation)]
        # twice the channels at half the side: each stage costs about the same
        for factor in (1, 2):
            layers += _halve(width * factor, width * factor * 2, activation)
            layers += [Residual(channels=width * factor * 2, activation=activation) for _ in range(blocks)]
        side = patch // STRIDE
        super().__init__(*layers, nn.Conv2d(width * 4, dim, side, stride=side))
        self.apply(_init_convolution)

    def forward(self, pictures: Tensor) -> Tensor:
        """``b c h w`` pictures to ``b l d``, row by row."""
        values = pictures.contiguous(memory_format=torch.channels_last)  # a sixth faster on a CPU, and what a GPU likes
        for layer in self:
            values = layer(values)
        return values.flatten(2).mT


class CellStem(nn.Module):
    """Convolutions over gradient-orientation cells and colour moments instead of over pixels.

    A few hundred pictures do not teach a convolution what an edge is; the cells know it from the start.

    Args:
        dim: width d of the result.
        rows: patches along a side of a picture.
        width: channels of the first convolution; the second has twice as many.
        cell: side of a cell in pixels.
        activation: what follows a norm.
        pooling: between the two convolutions.
    """

    def __init__(
        self,
        *,
        dim: int,
        rows: int,
        width: int,
        cell: int = 4,
        activation: Activation = "relu",
        pooling: Pooling = "max",
    ) -> None:
        super().__init__()
        self.cell = cell
        self.layers = nn.Sequential(
            *_keep_size(ORIENTATIONS + MOMENTS, 2 * width, activation),
            POOLINGS[pooling](2),
            *_keep_size(2 * width, 4 * width, activation),
            nn.AdaptiveAvgPool2d(rows),
            nn.Conv2d(4 * width, dim, 1),
        )
        self.apply(_init_convolution)

    def forward(self, pictures: Tensor) -> Tensor:
        """``b 3 h w`` pictures, centred as :func:`~m5kit.nn.patches.centre_bytes` does, to ``b l d``, row by row."""
        colours = pictures / 4 + 0.5  # from 0 to 1, as the statistics expect
        cells = pictures.shape[-1] // self.cell
        with torch.no_grad():
            maps = torch.cat([oriented_gradients(colours, cells, ORIENTATIONS), colour_moments(colours, cells)], dim=1)
        found: Tensor = self.layers((maps * SPREAD - 1).contiguous(memory_format=torch.channels_last))
        return found.flatten(2).mT


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside an identity.

    Args:
        channels: channels c of input and output.
        activation: what follows the first norm, and the sum.
    """

    def __init__(self, *, channels: int, activation: Activation) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            _norm(channels),
            ACTIVATIONS[activation](),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            _norm(channels),
        )
        self.activation = ACTIVATIONS[activation]()

    def forward(self, values: Tensor) -> Tensor:
        """``b c h w`` to the same."""
        summed: Tensor = self.activation(values + self.branch(values))
        return summed


def _halve(channels: int, width: int, activation: Activation) -> list[nn.Module]:
    """A stage that halves both sides."""
    return [
        nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),  # the norm after it has a bias
        _norm(width),
        ACTIVATIONS[activation](),
    ]


def _keep_size(channels: int, width: int, activation: Activation) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
    return [convolution, _norm(width), ACTIVATIONS[activation]()]


def _norm(channels: int) -> nn.GroupNorm:
    """GroupNorm with 8 channels in a group."""
    return nn.GroupNorm(max(1, channels // 8), channels)


def _init_convolution(module: nn.Module) -> None:
    """He initialisation, for ``nn.Module.apply``."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
