"""The contract of a fusion: the tokens of all modalities become one view of the item."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from m5kit.nn.pooling import Context, present_columns, stack_columns
from m5kit.structures import Fused, Tokens


class Fusion(nn.Module, ABC):
    """Mixes the modalities that an item has.

    Constructors are keyword-only; ``modalities`` (the m columns, sorted) and ``dim`` are filled in by name.

    Attributes:
        filled_in: names of the arguments that m5kit gives, so that a config need not.
        modalities: the m columns of ``weights``, ``Fused.pooled`` and ``Fused.weights``.
        dim: width d.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset({"dim", "modalities"})
    modalities: tuple[str, ...]
    dim: int

    @abstractmethod
    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality.

        Args:
            tokens: by modality, one row an item, length 0 where absent. A modality that nobody in the batch has may
                be a missing key.
            weights: ``b m``, how much each modality should count in the embedding: sums to 1 over the present ones,
                0 where absent. A fusion that learns weights of its own multiplies them in.
        """


def presence(fusion: Fusion, tokens: Mapping[str, Tokens], weights: Tensor) -> Tensor:
    """Which modalities each item has, ``b m`` bool on the device of ``weights`` (``b m``).

    Raises:
        ContractError: tokens are of a modality that the fusion was not built for.
    """
    lengths = {name: each.lengths for name, each in tokens.items()}
    # Lengths live on the host, so asking them costs no synchronisation with the device.
    present = present_columns(lengths, fusion.modalities, weights.shape[0])
    return present.to(weights.device, non_blocking=True)


def stack_summaries(fusion: Fusion, tokens: Mapping[str, Tokens], present: Tensor) -> Tensor:
    """The first token of each modality, ``b m d``; zeros where ``present`` (``b m``) is False."""
    summaries = {name: each.summary for name, each in tokens.items()}
    return stack_columns(summaries, fusion.modalities, present, fusion.dim)


def add_context(context: Context, tokens: Mapping[str, Tokens], embedding: Tensor) -> dict[str, Tokens]:
    """The tokens of all modalities, each told by ``context`` what the item's ``embedding`` (``b d``) is."""
    informed = {}
    for name, each in tokens.items():
        informed[name] = Tokens(context(each.values, each.mask, embedding), each.lengths)
    return informed
