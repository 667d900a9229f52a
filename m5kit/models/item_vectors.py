"""Puts together the vector of an item: what its modalities share, and what each of them has for itself."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize

APART = 0.7
"""How much the space that contrast teaches counts once more, modality by modality, beside the sum over modalities. Two
items that have the same modalities are told apart better by comparing like with like. Chosen on invented shops that no
table reports, as is that common directions count apart as much as in the sum."""


def item_vectors(
    shared: Tensor,
    own: Mapping[str, Tensor],
    confidence: Mapping[str, Tensor],
    weights: Mapping[str, float],
    taught: Tensor,
    features: Mapping[str, Tensor],
    common: tuple[Tensor, Mapping[str, Tensor]] | None = None,
) -> Tensor:
    """Unit vectors ``b w`` of items: what their modalities share, beside what each of them has for itself.

    Items that have no modality in common are compared by ``shared`` and ``common`` alone; those that have the same ones
    by everything.

    Args:
        shared: ``b h``, unit vectors of the space that contrast teaches.
        own: by modality, ``b v``, unit vectors or zeros.
        confidence: by modality, ``b``, how much each counts; 0 where absent.
        weights: by modality, the length of ``shared`` for an item of it alone; for one of several it is their mean.
        taught: scalar, 1 if contrast has taught something, else 0.
        features: by modality, ``b h``, unit vectors in the space of ``shared``, of those that are compared apart.
        common: ``b k`` of what statistics have in common, unit vectors of the item and by modality.
    """
    total = torch.stack(list(confidence.values())).sum(0)
    length = torch.stack([weights[m] * confidence[m] for m in own]).sum(0)
    # Clamped, or an item with nothing would get 0 / 0.
    length = (taught * length / total.clamp(min=1e-6))[:, None]
    parts = [length * shared, side_by_side(own, confidence)]
    if features:
        parts.append(APART * length * side_by_side(features, confidence))
    if common is not None:
        parts += [common[0], side_by_side(common[1], confidence)]
    return normalize(torch.cat(parts, dim=1), dim=1)


def side_by_side(vectors: Mapping[str, Tensor], confidence: Mapping[str, Tensor]) -> Tensor:
    """Unit vectors ``b w`` of the vectors of several modalities, each as long as the confidence in it."""
    weighted = [confidence[m][:, None] * each for m, each in vectors.items()]
    return normalize(torch.cat(weighted, dim=1), dim=1)
