"""Turns what a model makes of a batch into vectors to compare items by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import normalize

from m5kit.api import Encoder
from m5kit.errors import UsageError
from m5kit.models.backbone import Backbone
from m5kit.models.item_vectors import item_vectors
from m5kit.models.vectors import PublicVectors
from m5kit.nn.parts import sum_of_parts
from m5kit.structures import Batch, View

Common: TypeAlias = tuple[Tensor, Mapping[str, Tensor]]
"""What is common of items, and of each modality of them."""

SHARED = 2.0
"""How much the space that all modalities share counts in an item's vector beside their own vectors. Chosen on
validation items: with more, up to 3, whole items are found better; with less, one modality alone is
classified better."""

SHARED_GIVEN = 0.05
"""The same for a modality that began from a given vector, below which training must not fall: no cosine of an item
moves by more than 0.005, and items without a common modality are still compared by what they share. At 0.25 probes of
given features fell, on one of four sets by a tenth of the test items, though not on validation items."""

FEATURE = 0.5
"""How much a modality's contrastive feature counts beside its own vector, both of unit length. Chosen on validation
items of five sets: with 1 search by one modality gains more, but probes fall below the fixed statistics on two."""


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
            ConfigError: there is no such space.
        """
        if space in ("item", "fused", "unscaled", "contrastive"):
            return getattr(self, space)  # type: ignore[no-any-return]
        if space not in self.modalities:
            spaces = ", ".join(["item", "fused", "unscaled", "contrastive", *self.modalities])
            raise UsageError([f"space: there is no {space!r}; choose one of {spaces}"])
        return self.modalities[space]


def embed(backbone: Backbone, readout: Callable[[View], tuple[Tensor, Tensor | None]], batch: Batch) -> Embedding:
    """Embed a batch that is on the model's device; :meth:`m5kit.models.base.Model.embed` is how to call it.

    Args:
        backbone: in eval mode.
        readout: the vector ``b d`` that stands for an item, and its class scores if there are any.
        batch: any items, whatever they lack; an item with nothing gets zeros.
    """
    return embed_view(backbone, readout, backbone(batch))


def embed_view(backbone: Backbone, readout: Callable[[View], tuple[Tensor, Tensor | None]], view: View) -> Embedding:
    """The same of a view that the backbone made already."""
    vectors, scores = readout(view)
    vectors = vectors.float()
    # A head's bias gives even an item with nothing a vector; it must not be found by a search.
    some = view.present.any(1, keepdim=True).to(vectors.device)
    fused = normalize(vectors, dim=-1) * some
    own = _own_vectors(view, backbone.vectors)
    # Untaught features are random: their columns stay zero.
    taught = backbone.taught.float()
    # A head's labels do not train the features of modalities.
    spaces = own if scores is not None else _with_features(view, own, backbone.encoders, FEATURE * taught)
    on_host = {}
    for name, each in (spaces | _given_vectors(view, backbone.encoders)).items():
        on_host[name] = each.cpu()
    common = _common_vectors(view, backbone)
    return Embedding(
        item=(_item(view, backbone, own, common) if scores is None else fused).cpu(),
        modalities=on_host,
        fused=fused.cpu(),
        unscaled=(vectors * some).cpu(),
        contrastive=_aligned(view, backbone, common).cpu(),
        weights=view.fused.weights.float().cpu(),
        scores=None if scores is None else scores.float().cpu(),
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


def _item(view: View, backbone: Backbone, own: Mapping[str, Tensor], common: Common | None) -> Tensor:
    """``b w``, the public vectors of the items."""
    assert view.items is not None
    assert view.confidence is not None
    features = {}
    for column, m in enumerate(own):
        # Features of given modalities are compared in sum alone: apart they would move cosines of items by too much.
        if not backbone.encoders[m].given:
            features[m] = normalize(view.features[:, column].float(), dim=1)
    weights = {m: SHARED_GIVEN if backbone.encoders[m].given else SHARED for m in own}
    taught = backbone.taught.float()
    return item_vectors(view.items.float(), own, _columns(view), weights, taught, features, common)


def _common_vectors(view: View, backbone: Backbone) -> Common | None:
    """What the statistics of an item's modalities have in common, of all and of each; None if nobody asks."""
    common = backbone.vectors.common
    if common is None:
        return None
    columns = _columns(view)
    described = {m: backbone.vectors.described(m, view.vectors[m]) for m in view.vectors}
    # A modality that nobody in the batch has gets zeros, so that every batch has the same columns.
    each = {m: common({m: described[m]} if m in described else {}, columns) for m in common.modalities}
    return common(described, columns), each


def _columns(view: View) -> dict[str, Tensor]:
    """The confidence ``b`` in each modality."""
    assert view.confidence is not None
    return dict(zip(view.modalities, view.confidence.float().unbind(1), strict=True))


def _aligned(view: View, backbone: Backbone, common: Common | None) -> Tensor:
    """``b s``, to search across modalities by: what contrast teaches and what is ``common``, which count alike."""
    assert view.confidence is not None
    if common is None:
        return sum_of_parts(view.features, view.confidence)
    aligned = torch.tensor([backbone.encoders[m].aligned for m in view.modalities], device=backbone.device)
    # Features that nobody taught are random; common directions are known before the first step.
    learned = sum_of_parts(view.features, view.confidence * (backbone.taught | aligned))
    return normalize(torch.cat([learned, common[0]], dim=1), dim=1)


def _with_features(
    view: View, own: Mapping[str, Tensor], encoders: Mapping[str, Encoder], weight: Tensor
) -> dict[str, Tensor]:
    """Each modality's own vector, beside its contrastive feature where nothing was given to begin from.

    What a modality learned from the others shows in the feature; before the head it is a small part of much that all
    items have in common. It counts less than what the modality knows for itself, so that a probe keeps what an
    untrained model has. Where a vector was given, training must not end below that one: nothing stands beside it.
    """
    spaces = {}
    for column, (m, vectors) in enumerate(own.items()):
        if encoders[m].given:
            spaces[m] = vectors
        else:
            feature = normalize(view.features[:, column].float(), dim=1)
            spaces[m] = normalize(torch.cat([vectors, weight * feature], dim=1), dim=1)
    return spaces


def _own_vectors(view: View, vectors: PublicVectors) -> dict[str, Tensor]:
    """By modality, zeros where nobody in the batch has it."""
    own = {}
    for m, width in vectors.widths.items():
        if m in view.vectors:
            own[m] = normalize(vectors.public(m, view.vectors[m].float(), view.encoded[m].given), dim=1)
        else:
            # Every batch has the same columns, so that their vectors can be put below each other.
            own[m] = view.features.new_zeros(view.present.shape[0], width)
    return own


def _given_vectors(view: View, encoders: Mapping[str, Encoder]) -> dict[str, Tensor]:
    """``NAME.given`` by modality that has a given vector, and ``given``, all of them; of unit length or zeros."""
    unit: dict[str, Tensor] = {}
    for m, encoder in encoders.items():
        if not encoder.given:
            continue
        tokens = view.encoded.get(m)
        if tokens is None or tokens.given is None:
            unit[f"{m}.given"] = view.features.new_zeros(view.present.shape[0], encoder.given)
        else:
            unit[f"{m}.given"] = normalize(tokens.given.float(), dim=1)
    if unit:
        # Each modality had unit length before, so that none counts more because its tower has larger numbers.
        unit["given"] = normalize(torch.cat(list(unit.values()), dim=1), dim=1)
    return unit
