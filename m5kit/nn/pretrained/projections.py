"""A tower's own projection into the space that it shares with its counterpart, as CLIP, SigLIP and CLAP have it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from m5kit.nn.pretrained.weights import Loaded, Weights

Parts = Mapping[str, tuple[str, ...]]
"""By ``model_type``, the submodules of a two-tower model that take one tower's summary to the shared space."""


class OwnProjection(nn.Module):
    """Takes a tower's summary ``p c`` to the shared space ``p h``, as the tower's own library does.

    Args:
        layers: applied to the summary one after the other; empty if the summary lies in the space already.
        width: c, of the summary.
        trainable: as the tower's: with ``all`` and ``last:N`` the layers learn, for they come after the last block.

    Attributes:
        features: width h of the shared space.
    """

    def __init__(self, layers: nn.Module, *, width: int, trainable: str) -> None:
        super().__init__()
        self.layers = layers
        self.layers.requires_grad_(trainable == "all" or trainable.startswith("last"))
        with torch.no_grad():
            device = next((p.device for p in layers.parameters()), torch.device("cpu"))
            self.features = int(self(torch.zeros(1, width, device=device)).shape[-1])

    def forward(self, summary: Tensor) -> Tensor:
        projected: Tensor = self.layers(summary)
        return projected


class Matrix(nn.Module):
    """A product with a matrix ``c h``, which open_clip keeps as a bare parameter."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone())

    def forward(self, summary: Tensor) -> Tensor:
        return linear(summary, self.weight.mT)


def find_projection(
    loaded: Loaded, parts: Parts, *, width: int, trainable: str, weights: Weights, needed_by: str
) -> OwnProjection | None:
    """The projection of one tower of a two-tower model of transformers, taken out; None for a network without one.

    Args:
        loaded: the whole model.
        parts: where the tower's projection is.
        width: of the tower's summary.
        trainable: as the tower's.
        weights: where the model came from.
        needed_by: the encoder's name.

    Raises:
        ConfigError: the checkpoint does not hold the projection.
    """
    model: Any = loaded.network
    names = parts.get(model.config.model_type)
    if names is None:
        return None
    layers = [Loaded(model.get_submodule(name), loaded.missing).complete(weights, needed_by) for name in names]
    for name in names:
        model.set_submodule(name, nn.Identity())  # a parameter in two modules would be saved and counted twice
    return OwnProjection(nn.Sequential(*layers), width=width, trainable=trainable)
