"""Turns a trained model and a batch into vectors to compare items by."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from m5kit.models.base import Model
from m5kit.structures import Batch


@dataclass(frozen=True, slots=True)
class Embedding:
    """Vectors of b items on the host, all of unit length or zero unless they are called unscaled.

    Attributes:
        fused: ``b d``, the item as a whole; after fine-tuning the head's hidden layer.
        unscaled: ``b d``, the same before it gets unit length.
        contrastive: ``b h``, the mean of the contrastive features of the modalities the item has, before the fusion:
            the space in which modalities were aligned, so the one to search across modalities in.
        weights: ``b m``, share of each modality in ``fused``.
        scores: ``b c``, class scores of a fine-tuned model; None after pretraining.
    """

    fused: Tensor
    unscaled: Tensor
    contrastive: Tensor
    weights: Tensor
    scores: Tensor | None


@torch.inference_mode()
def embed(model: Model, batch: Batch) -> Embedding:
    """Embed a batch that is on the model's device.

    Args:
        model: in eval mode.
        batch: any items, whatever they lack; an item with nothing gets zeros.
    """
    if not isinstance(model, Model):
        raise TypeError(f"embed() needs a Model, got {type(model).__name__}")
    view = model.backbone(batch)
    vectors, scores = model.readout(view.fused)
    vectors = vectors.float()
    some = view.present.any(1, keepdim=True).to(vectors.device)
    return Embedding(
        fused=(normalize(vectors, dim=-1) * some).cpu(),
        unscaled=(vectors * some).cpu(),
        contrastive=normalize(normalize(view.features, dim=-1).sum(1), dim=-1).cpu(),
        weights=view.fused.weights.float().cpu(),
        scores=None if scores is None else scores.float().cpu(),
    )
