"""The vectors that a view of items gives, each computed when it is asked for."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import normalize

from m5kit.errors import UsageError
from m5kit.models.backbone import Backbone
from m5kit.models.item_vectors import item_vectors
from m5kit.nn.parts import sum_of_parts
from m5kit.structures import View

Common: TypeAlias = tuple[Tensor, Mapping[str, Tensor]]
"""What is common of items, and of each modality of them."""

OF_ITEMS = ("item", "fused", "unscaled", "contrastive")
"""The spaces of whole items."""

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


class Spaces:
    """The vectors of b items, on the host; :class:`m5kit.models.embedder.Embedding` says what each of them is.

    What nobody asks for is not computed: for one short text most of the time goes into many small operations.

    Args:
        backbone: in eval mode.
        readout: the vector ``b d`` that stands for an item, and its class scores if there are any.
        view: what the backbone made of the items, whatever they lack; an item with nothing gets zeros.
    """

    def __init__(self, backbone: Backbone, readout: Callable[[View], tuple[Tensor, Tensor | None]], view: View) -> None:
        self._backbone, self._view = backbone, view
        vectors, self._scores = readout(view)
        self._vectors = vectors.float()

    def vectors(self, space: str) -> Tensor:
        """The vectors of a space: one of the properties, or the name of a modality.

        Raises:
            UsageError: there is no such space.
        """
        if space in OF_ITEMS:
            return getattr(self, space)  # type: ignore[no-any-return]
        if space in self._backbone.vectors.widths:
            return self._modality(space).cpu()
        given = self._given()
        if space not in given:
            known = ", ".join([*OF_ITEMS, *self._backbone.vectors.widths, *given])
            raise UsageError([f"space: there is no {space!r}; choose one of {known}"])
        return given[space].cpu()

    @property
    def item(self) -> Tensor:
        """``b w``, the public vectors of the items."""
        return self._item().cpu() if self._scores is None else self.fused

    @property
    def modalities(self) -> dict[str, Tensor]:
        """By name, ``b v``, the public vectors of each modality, and those that were given to begin from."""
        names = self._backbone.vectors.widths
        return {m: self._modality(m).cpu() for m in names} | {m: each.cpu() for m, each in self._given().items()}

    @property
    def fused(self) -> Tensor:
        """``b d``, what the fusion makes of the items."""
        return (normalize(self._vectors, dim=-1) * self._some).cpu()

    @property
    def unscaled(self) -> Tensor:
        """``b d``, the same before it gets unit length."""
        return (self._vectors * self._some).cpu()

    @property
    def contrastive(self) -> Tensor:
        """``b s``, to search across modalities by."""
        return self._aligned().cpu()

    @property
    def weights(self) -> Tensor:
        """``b m``, share of each modality in ``fused``."""
        return self._view.fused.weights.float().cpu()

    @property
    def scores(self) -> Tensor | None:
        """``b c``, class scores of a fine-tuned model."""
        return None if self._scores is None else self._scores.float().cpu()

    @cached_property
    def _some(self) -> Tensor:
        """``b 1``, which items have anything: a head's bias gives a vector even to those that nothing may find."""
        return self._view.present.any(1, keepdim=True).to(self._vectors.device)

    @cached_property
    def _taught(self) -> Tensor:
        """Scalar: untaught features are random, so their columns stay zero."""
        return self._backbone.taught.float()

    @cached_property
    def _confidence(self) -> dict[str, Tensor]:
        """By modality, ``b``."""
        assert self._view.confidence is not None
        return dict(zip(self._view.modalities, self._view.confidence.float().unbind(1), strict=True))

    @cached_property
    def _own(self) -> dict[str, Tensor]:
        """By modality, its own vectors."""
        return {m: self._own_of(m) for m in self._backbone.vectors.widths}

    def _own_of(self, modality: str) -> Tensor:
        """``b v``; zeros where nobody in the batch has the modality."""
        vectors, view = self._backbone.vectors, self._view
        if modality not in view.vectors:
            # Every batch has the same columns, so that their vectors can be put below each other.
            return view.features.new_zeros(view.present.shape[0], vectors.widths[modality])
        public = vectors.public(modality, view.vectors[modality].float(), view.encoded[modality].given)
        return normalize(public, dim=1)

    def _feature_of(self, modality: str) -> Tensor:
        """``b h``, the contrastive feature at unit length."""
        column = self._view.features[:, self._view.modalities.index(modality)].float()
        # Those of nobody are zeros, which have no other length.
        return normalize(column, dim=1) if modality in self._view.vectors else column

    def _modality(self, modality: str) -> Tensor:
        """A modality's own vector, beside its contrastive feature where nothing was given to begin from.

        What a modality learned from the others shows in the feature; before the head it is a small part of much that
        all items have in common. It counts less than what the modality knows for itself, so that a probe keeps what an
        untrained model has. Where a vector was given, training must not end below that one: nothing stands beside it.
        A head's labels do not train the features.
        """
        own = self._own_of(modality)
        if self._scores is not None or self._backbone.encoders[modality].given:
            return own
        weight = FEATURE * self._taught
        return normalize(torch.cat([own, weight * self._feature_of(modality)], dim=1), dim=1)

    def _given(self) -> dict[str, Tensor]:
        """``NAME.given`` by modality that has a given vector, and ``given``, all of them; of unit length or zeros."""
        view, unit = self._view, {}
        for m, encoder in self._backbone.encoders.items():
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

    def _item(self) -> Tensor:
        """``b w``, the public vectors of the items."""
        assert self._view.items is not None
        encoders = self._backbone.encoders
        # Features of given modalities are compared in sum alone: apart they would move cosines of items by too much.
        features = {m: self._feature_of(m) for m in self._own if not encoders[m].given}
        weights = {m: SHARED_GIVEN if encoders[m].given else SHARED for m in self._own}
        shared = self._view.items.float()
        return item_vectors(shared, self._own, self._confidence, weights, self._taught, features, self._common)

    @cached_property
    def _common(self) -> Common | None:
        """What the statistics of an item's modalities have in common, of all and of each; None if nobody asks."""
        common = self._backbone.vectors.common
        if common is None:
            return None
        described = {m: self._backbone.vectors.described(m, each) for m, each in self._view.vectors.items()}
        # A modality that nobody in the batch has gets zeros, so that every batch has the same columns.
        each = {}
        for m in common.modalities:
            each[m] = common({m: described[m]} if m in described else {}, self._confidence)
        if len(described) == 1 and described.keys() <= each.keys():
            return each[next(iter(described))], each
        return common(described, self._confidence), each

    def _aligned(self) -> Tensor:
        """``b s``: what contrast teaches and what is common, which count alike."""
        view, backbone = self._view, self._backbone
        assert view.confidence is not None
        common = self._common
        if common is None:
            return sum_of_parts(view.features, view.confidence)
        aligned = torch.tensor([backbone.encoders[m].aligned for m in view.modalities], device=backbone.device)
        # Features that nobody taught are random; common directions are known before the first step.
        learned = sum_of_parts(view.features, view.confidence * (backbone.taught | aligned))
        return normalize(torch.cat([learned, common[0]], dim=1), dim=1)
