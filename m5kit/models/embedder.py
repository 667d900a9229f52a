"""All vectors of a batch's items, to compare them by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import normalize

from m5kit.errors import UsageError
from m5kit.models.spaces import OF_ITEMS, Spaces


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors of b items on the host, all of unit length or zero unless they are called unscaled.

    Attributes:
        item: ``b w``, the public vector of an item: the space that modalities share, then what each modality has.
            Any two items can be compared by it, whatever each of them lacks. After fine-tuning the head's hidden layer.
        modalities: by name, ``b v``, the public vector of one modality; by ``NAME.given`` the vector that its encoder
            had before it learned anything, if it has one, and by ``given`` those of all modalities side by side.
        fused: ``b d``, what the fusion makes of the item; after fine-tuning the head's hidden layer.
        unscaled: ``b d``, the same before it gets unit length.
        contrastive: ``b s``, the mean of the contrastive features of the modalities the item has, before the fusion,
            and beside it, of the same length, what their fixed statistics have in common where the model knows it: the
            space in which modalities were aligned, so the one to search across modalities in.
        weights: ``b m``, share of each modality in ``fused``.
        scores: ``b c``, class scores of a fine-tuned model; None after pretraining.
    """

    item: Tensor
    modalities: Mapping[str, Tensor]
    fused: Tensor
    unscaled: Tensor
    contrastive: Tensor
    weights: Tensor
    scores: Tensor | None

    def vectors(self, space: str) -> Tensor:
        """The vectors of a space: one of the attributes, or the name of a modality.

        Raises:
            UsageError: there is no such space.
        """
        if space in OF_ITEMS:
            return getattr(self, space)  # type: ignore[no-any-return]
        if space not in self.modalities:
            spaces = ", ".join([*OF_ITEMS, *self.modalities])
            raise UsageError([f"space: there is no {space!r}; choose one of {spaces}"])
        return self.modalities[space]


Take: TypeAlias = Callable[[Spaces | Embedding], Tensor]
"""Reads the numbers ``b w`` that are wanted off what the model makes of a batch."""


def embedding_of(spaces: Spaces) -> Embedding:
    """Every vector that a view of b items gives."""
    return Embedding(
        item=spaces.item,
        modalities=spaces.modalities,
        fused=spaces.fused,
        unscaled=spaces.unscaled,
        contrastive=spaces.contrastive,
        weights=spaces.weights,
        scores=spaces.scores,
    )


def mean_by_item(parts: Sequence[Embedding], owners: Tensor) -> Embedding:
    """One vector an item of those of its rows: their mean, of unit length where vectors have it.

    Args:
        parts: the vectors of all b rows, one part after the other.
        owners: ``b``, the item of each row, from 0, none left out.
    """
    counts = torch.bincount(owners)[:, None]

    def mean(rows: Sequence[Tensor]) -> Tensor:
        together = torch.cat(list(rows))
        sums = together.new_zeros(len(counts), together.shape[1]).index_add_(0, owners, together)
        return sums / counts

    def unit(rows: Sequence[Tensor]) -> Tensor:
        return normalize(mean(rows), dim=1)

    scores = [part.scores for part in parts if part.scores is not None]
    return Embedding(
        item=unit([part.item for part in parts]),
        modalities={m: unit([part.modalities[m] for part in parts]) for m in parts[0].modalities},
        fused=unit([part.fused for part in parts]),
        unscaled=mean([part.unscaled for part in parts]),
        contrastive=unit([part.contrastive for part in parts]),
        weights=mean([part.weights for part in parts]),
        scores=mean(scores) if scores else None,
    )
