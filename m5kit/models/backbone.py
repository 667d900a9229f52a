"""Encoders, harmonizer and fusion joined: a batch becomes a view of every item."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from m5kit.api import Descriptor, Encoder, Facts, Fused, Fusion, Harmonizer, Harmony, Observation, Readout, Tokens, View
from m5kit.models.donors import linked, make_up, nothing_fused
from m5kit.models.items import ItemSpace
from m5kit.models.projections import contrastive_heads
from m5kit.models.returned import returned
from m5kit.models.seen import Seen
from m5kit.models.vectors import PublicVectors
from m5kit.nn.initial import own_weights
from m5kit.structures import ALONE, Batch, Partial, Peers
from m5kit.tasks.base import Swap

Look: TypeAlias = Literal["encoded", "fused"]


class Backbone(nn.Module):
    """The path of SCALE from inputs to fused tokens (CVPR 2022, section 4.1), whatever the parts.

    Each encoder runs on the items that have its modality and on nothing else. The harmonizer looks twice: at the
    contrastive features before the fusion (``encoded``) and at the pooled vectors after it (``fused``). As in the
    released code, the first look weighs the contrastive pairs and the pooled embedding, the second the masked tasks;
    the paper's figure 2 draws the second for both.

    Contrastive features of an encoder whose given vectors are aligned (a tower of CLIP, say) begin as those vectors.

    Args:
        encoders: by modality, all of one width d.
        fusion: mixes the modalities.
        harmonizer: weighs them.
        features: width h of the contrastive features.
        readouts: by modality, how its tokens become a vector; the summary token where there is none.
        descriptors: by modality, fixed statistics of its raw inputs beside that vector; nothing where there is none.
        vector: width to which each reading is brought by a learned linear map; None leaves it as it is read.
        common: how many directions in which fixed statistics agree are kept; None for none.
        projection: ``mlp``, or ``linear_relu`` as SCALE has it, what makes contrastive features of the vectors.
        weigh_pairs: let the harmonizer weigh the contrastive pairs; otherwise every present pair counts alike.
        weigh_tasks, weigh_pooling: the same for the masked tasks and for the pooled embedding, by modality.
        pairs_from: which look weighs the contrastive pairs.
        tasks_from: which look weighs the masked tasks.

    Attributes:
        taught: scalar bool on the device: a task that compares items has taught the contrastive features something.
            Until then they are random, and public vectors do without them.

    Raises:
        ConfigError: an aligned encoder's vectors are not of width h.
    """

    def __init__(
        self,
        *,
        encoders: Mapping[str, Encoder],
        fusion: Fusion,
        harmonizer: Harmonizer,
        features: int,
        readouts: Mapping[str, Readout] = MappingProxyType({}),
        descriptors: Mapping[str, Descriptor] = MappingProxyType({}),
        vector: int | None = None,
        common: int | None = None,
        projection: str = "mlp",
        weigh_pairs: bool = True,
        weigh_tasks: bool = True,
        weigh_pooling: bool = True,
        pairs_from: Look = "encoded",
        tasks_from: Look = "fused",
    ) -> None:
        super().__init__()
        # Sorted, so that columns and parameters do not depend on the order of a config.
        self.modalities = tuple(sorted(encoders))
        self.features = features
        self.encoders = cast(Mapping[str, Encoder], nn.ModuleDict(dict(sorted(encoders.items()))))
        self.vectors = PublicVectors(
            encoders=encoders, readouts=readouts, descriptors=descriptors, width=vector, common=common
        )
        self.projections = contrastive_heads(projection, self.encoders, self.vectors.widths, features)
        self.fusion = fusion
        with own_weights("items"):
            self.items = ItemSpace(dim=fusion.dim, features=features)
        self.harmonizer = harmonizer
        self.taught: Tensor
        self.register_buffer("taught", torch.zeros((), dtype=torch.bool))
        self.weigh_pairs, self.weigh_tasks, self.weigh_pooling = weigh_pairs, weigh_tasks, weigh_pooling
        self.pairs_from, self.tasks_from = pairs_from, tasks_from

    def observe(self, batch: Batch) -> dict[str, Observation]:
        """The tokens that a task may hide, by modality that somebody in the batch has."""
        observed = {}
        for m in self.modalities:
            if m in batch.inputs:
                inputs = batch.inputs[m]
                observed[m] = self.vectors.describe(m, self.encoders[m].observe(inputs), inputs)
        return observed

    def facts(self, batch: Batch, observations: Mapping[str, Observation]) -> Facts:
        """What the host knows of the batch; columns of the modalities that the model reads."""
        return Facts(self.modalities, self.present(batch), _rows(batch, observations), observations)

    def view(self, batch: Batch, observations: Mapping[str, Observation], peers: Peers = ALONE) -> View:
        """Encode and fuse ``observations`` of the present items, of which ``peers`` have more."""
        seen = self.encode(batch, observations, peers)
        self.take_statistics(seen.features, seen.present, peers)
        return replace(self.fuse(seen), peers=peers)

    def encode(self, batch: Batch, observations: Mapping[str, Observation], peers: Peers = ALONE) -> Seen:
        """What the encoders make of ``observations``, the first half of :meth:`view`."""
        rows = _rows(batch, observations)
        present = self.present(batch)
        # The host keeps its own copy: tasks choose items by it without waiting for the device.
        there = present.to(self.device, non_blocking=True)
        encoded, vectors = self._encode(observations, rows, present, peers)
        return Seen(present, there, rows, encoded, vectors, self.project(encoded, vectors, there), batch.targets)

    def take_statistics(self, features: Tensor, present: Tensor, peers: Peers = ALONE) -> None:
        """In training, show the harmonizer the items of all processes; between the halves of :meth:`view`.

        Args:
            features: ``b m h`` of this process's items.
            present: ``b m`` bool on the host.
            peers: those that have more of the items.
        """
        if not self.training or type(self.harmonizer).observe is Harmonizer.observe:
            return  # It learns nothing, so there is nothing to gather.
        everyone = peers.present(present).to(self.device, non_blocking=True)
        # Running statistics are no path for gradients.
        self.harmonizer.observe(peers.rows(features.detach()), everyone)

    def weigh_features(self, features: Tensor, there: Tensor) -> Harmony:
        """The weights of contrastive pairs by their features ``b m h``, where the first look is what weighs them."""
        return self.harmonizer(features, there) if self.weigh_pairs else Harmony.uniform(there)

    def fuse(self, seen: Seen) -> View:
        """Weigh and fuse what was encoded, the second half of :meth:`view`."""
        before, even = self.harmonizer(seen.features, seen.there), Harmony.uniform(seen.there)
        weights = before.modalities if self.weigh_pooling else even.modalities
        fused = returned(self.fusion(seen.encoded, weights), Fused, self.fusion)
        looks: dict[str, Harmony] = {"encoded": before, "fused": self.harmonizer(fused.pooled, seen.there)}
        harmony = Harmony(
            pairs=looks[self.pairs_from].pairs if self.weigh_pairs else even.pairs,
            tasks=looks[self.tasks_from].tasks if self.weigh_tasks else even.tasks,
            modalities=fused.weights,
        )
        confidence = self._confidence(seen.there)
        return View(
            self.modalities,
            seen.present,
            seen.rows,
            seen.encoded,
            seen.features,
            fused,
            harmony,
            targets=seen.targets,
            vectors=seen.vectors,
            confidence=confidence,
            items=self.items(seen.features, fused.embedding, confidence),
        )

    def features_again(self, batch: Batch, peers: Peers = ALONE) -> Tensor:
        """Contrastive features ``b m h`` of the items as their second augmentation made them; nothing is fused."""
        second = batch.augmented_again()
        present = self.present(second)
        encoded, vectors = self._encode(self.observe(second), _rows(second, second.inputs), present, peers)
        return self.project(encoded, vectors, present.to(self.device, non_blocking=True))

    def fuse_swapped(self, view: View, swap: Swap) -> Fused:
        """The fusion's output for made-up items; the exchanged modality may come from an item of another process."""
        made = make_up(view, swap, self.fusion.dim, self.harmonizer if self.weigh_pooling else None)
        if len(swap.items) == 0:
            view.peers.pass_by(self.fusion)
            return nothing_fused(view, made.link, self.fusion.dim)
        present = view.present[swap.items].to(self.device, non_blocking=True)
        weights = self.harmonizer(made.features, present) if self.weigh_pooling else Harmony.uniform(present)
        return linked(self.fusion(made.tokens, weights.modalities), made.link)

    def fuse_part(self, view: View, kept: Tensor) -> Partial:
        """Items cut to the modalities ``kept`` (``b m``, host); encoders neither run again nor learn from it."""
        encoded = {}
        for column, m in enumerate(self.modalities):
            if m in view.encoded:
                tokens = view.encoded[m]
                # A length of 0 is all that absence is; the values behind it are masked wherever they are read.
                encoded[m] = Tokens(tokens.values.detach(), tokens.lengths * kept[:, column])
        present = kept.to(self.device, non_blocking=True)
        features = view.features.detach() * present[..., None]
        weights = self.harmonizer(features, present) if self.weigh_pooling else Harmony.uniform(present)
        fused: Fused = self.fusion(encoded, weights.modalities)
        return Partial(kept, self.items(features, fused.embedding, self._confidence(present)))

    def units(self) -> list[tuple[nn.Module, str]]:
        """Encoders and fusion, and the methods that compute with their parameters."""
        return [*((self.encoders[m], "encode") for m in self.modalities), (self.fusion, "forward")]

    def forward(self, batch: Batch) -> View:
        """The clean view of a batch: nothing hidden."""
        return self.view(batch, self.observe(batch))

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    def present(self, batch: Batch) -> Tensor:
        """Which items have which modality, ``b m`` on the host."""
        # By name: a batch may hold more modalities than the model reads, and in another order.
        return batch.present[:, [batch.modalities.index(m) for m in self.modalities]]

    def _confidence(self, present: Tensor) -> Tensor:
        return self.harmonizer.confidence(present) if self.weigh_pooling else present.float()

    def _encode(
        self, observations: Mapping[str, Observation], rows: Mapping[str, Tensor], present: Tensor, peers: Peers
    ) -> tuple[dict[str, Tokens], dict[str, Tensor]]:
        """Tokens and public vectors of all items of a batch (``present``: ``b m``), by modality that was observed."""
        encoded, vectors = {}, {}
        somewhere = peers.present(present).any(0).tolist()
        for column, m in enumerate(self.modalities):
            if m in observations:
                # Encoders run on the present items alone; from here on every modality has a row for each item.
                tokens = returned(self.encoders[m].encode(observations[m]), Tokens, self.encoders[m])
                encoded[m] = tokens.scatter(rows[m], len(present))
                vectors[m] = self.vectors(m, encoded[m], observations[m].described, rows[m])
            elif somewhere[column]:
                peers.pass_by(self.encoders[m])
        return encoded, vectors

    def project(self, encoded: Mapping[str, Tokens], vectors: Mapping[str, Tensor], present: Tensor) -> Tensor:
        """Contrastive features ``b m h``: zeros where absent."""
        columns = []
        for m in self.modalities:
            if m not in vectors:
                columns.append(torch.zeros(present.shape[0], self.features, device=present.device))
            elif self.encoders[m].aligned:
                columns.append(self.projections[m](encoded[m].given, vectors[m]).float())
            else:
                columns.append(self.projections[m](vectors[m]).float())
        # The bias of a projection gives absent items features too.
        return torch.stack(columns, dim=1) * present[..., None]


def _rows(batch: Batch, modalities: Iterable[str]) -> dict[str, Tensor]:
    """By modality, the positions on the host of the items that have it."""
    return {m: batch.rows(m) for m in modalities}
