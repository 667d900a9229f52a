"""The contract of a readout: the tokens of one modality become one vector an item."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from m5kit.structures import Tokens

Layout = tuple[int, int] | None
"""Rows and columns of the grid in which an encoder's tokens stand, frame after frame; None for a plain sequence."""


class Readout(nn.Module, ABC):
    """Reads one vector off the tokens before the fusion; a contrastive head and users read that vector.

    Constructors are keyword-only. Filled in by name where taken: ``dim``, the tokens' width d, and ``layout``, the
    encoder's (:attr:`m5kit.api.Encoder.layout`).

    Attributes:
        width: w of the vector.
        filled_in: names of the arguments that m5kit gives, so that a config need not.
    """

    width: int
    filled_in: ClassVar[frozenset[str]] = frozenset({"dim", "layout"})

    @abstractmethod
    def forward(self, tokens: Tokens) -> Tensor:
        """Vectors ``b w`` of tokens ``b 1+l d``, the summary token first; zeros where the modality is absent."""
