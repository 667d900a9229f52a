"""Encoders, harmonizer and fusion joined: a batch becomes a view of every item."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor, nn

from m5kit.api import Encoder, Facts, Fused, Fusion, Harmonizer, Harmony, Observation, Tokens, View
from m5kit.errors import ConfigError
from m5kit.nn.residual import ResidualVector
from m5kit.structures import Batch
from m5kit.tasks.base import Swap

Look: TypeAlias = Literal["encoded", "fused"]


class Backbone(nn.Module):
    """The path of SCALE from inputs to fused tokens (CVPR 2022, section 4.1), whatever the parts.

    Each encoder runs on the items that have its modality and on nothing else. The harmonizer looks twice: at the
    contrastive features before the fusion (``encoded``) and at the pooled vectors after it (``fused``). As in the
    released code, the first look weighs the contrastive pairs and the pooled embedding, the second the masked tasks;
    the paper's figure 2 draws the second for both.

    The contrastive features of an encoder whose given vectors are aligned (a tower of CLIP, say) begin as those
    vectors; those of any other encoder are learned from its summary token.

    Args:
        encoders: by modality, all of one width d.
        fusion: mixes the modalities.
        harmonizer: weighs them.
        features: width h of the contrastive features.
        weigh_pairs: let the harmonizer weigh the contrastive pairs; otherwise every present pair counts alike.
        weigh_tasks: let it weigh the masked tasks; otherwise every present modality counts alike.
        weigh_pooling: let it weigh the pooled embedding; otherwise every present modality counts alike.
        pairs_from: which look weighs the contrastive pairs.
        tasks_from: which look weighs the masked tasks.

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
        weigh_pairs: bool = True,
        weigh_tasks: bool = True,
        weigh_pooling: bool = True,
        pairs_from: Look = "encoded",
        tasks_from: Look = "fused",
    ) -> None:
        super().__init__()
        self.modalities = tuple(sorted(encoders))
        self.features = features
        self.encoders = cast(Mapping[str, Encoder], nn.ModuleDict({m: encoders[m] for m in self.modalities}))
        _check_widths(encoders, features)
        self.projections = nn.ModuleDict({m: _projection(encoders[m], features) for m in self.modalities})
        self.fusion = fusion
        self.harmonizer = harmonizer
        self.weigh_pairs, self.weigh_tasks, self.weigh_pooling = weigh_pairs, weigh_tasks, weigh_pooling
        self.pairs_from, self.tasks_from = pairs_from, tasks_from

    def observe(self, batch: Batch) -> dict[str, Observation]:
        """The tokens that a task may hide, by modality that somebody in the batch has."""
        return {m: self.encoders[m].observe(batch.inputs[m]) for m in self.modalities if m in batch.inputs}

    def facts(self, batch: Batch, observations: Mapping[str, Observation]) -> Facts:
        """What the host knows of the batch; columns of the modalities that the model reads."""
        columns = torch.tensor([batch.modalities.index(m) for m in self.modalities])
        rows = {m: batch.rows(m) for m in observations}
        return Facts(self.modalities, batch.present[:, columns], rows, observations)

    def view(self, batch: Batch, observations: Mapping[str, Observation]) -> View:
        """Encode and fuse ``observations`` of the present items."""
        rows = {m: batch.rows(m) for m in observations}
        encoded = {m: self.encoders[m].encode(o).scatter(rows[m], len(batch)) for m, o in observations.items()}
        columns = torch.tensor([batch.modalities.index(m) for m in self.modalities])
        present = batch.present[:, columns]
        on_device = present.to(self.device, non_blocking=True)
        features = self._project(encoded, on_device)
        if self.training:
            self.harmonizer.observe(features.detach(), on_device)
        before = self.harmonizer(features, on_device)
        even = _uniform(on_device)
        fused: Fused = self.fusion(encoded, before.modalities if self.weigh_pooling else even.modalities)
        looks: dict[str, Harmony] = {"encoded": before, "fused": self.harmonizer(fused.pooled, on_device)}
        harmony = Harmony(
            pairs=looks[self.pairs_from].pairs if self.weigh_pairs else even.pairs,
            tasks=looks[self.tasks_from].tasks if self.weigh_tasks else even.tasks,
            modalities=fused.weights,
        )
        return View(self.modalities, present, rows, encoded, features, fused, harmony, targets=batch.targets)

    def features_again(self, batch: Batch) -> Tensor:
        """Contrastive features ``b m h`` of the items as their second augmentation made them; nothing is fused."""
        second = batch.augmented_again()
        rows, encoded = {m: second.rows(m) for m in second.inputs}, {}
        for m, observation in self.observe(second).items():
            encoded[m] = self.encoders[m].encode(observation).scatter(rows[m], len(second))
        columns = torch.tensor([second.modalities.index(m) for m in self.modalities])
        return self._project(encoded, second.present[:, columns].to(self.device, non_blocking=True))

    def fuse_swapped(self, view: View, swap: Swap) -> Fused:
        """What the fusion makes of items of which one modality is another's; encoders do not run again."""
        sources = {m: swap.sources(column) for column, m in enumerate(self.modalities)}
        encoded = {m: tokens.select(sources[m]) for m, tokens in view.encoded.items()}
        rows = torch.stack([sources[m] for m in self.modalities], dim=1).to(self.device, non_blocking=True)
        features = view.features[rows, torch.arange(len(self.modalities), device=self.device)]
        present = view.present[swap.items].to(self.device, non_blocking=True)
        weights = self.harmonizer(features, present) if self.weigh_pooling else _uniform(present)
        fused: Fused = self.fusion(encoded, weights.modalities)
        return fused

    def forward(self, batch: Batch) -> View:
        """The clean view of a batch: nothing hidden."""
        return self.view(batch, self.observe(batch))

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    def _project(self, encoded: Mapping[str, Tokens], present: Tensor) -> Tensor:
        """Contrastive features ``b m h``: zeros where absent."""
        columns = []
        for m in self.modalities:
            if m in encoded:
                columns.append(self._features(m, encoded[m]).float())
            else:
                columns.append(torch.zeros(len(present), self.features, device=present.device))
        return torch.stack(columns, dim=1) * present[..., None]

    def _features(self, modality: str, tokens: Tokens) -> Tensor:
        """Contrastive features ``b h`` of one modality."""
        if self.encoders[modality].aligned:
            return self.projections[modality](tokens.given, tokens.summary)  # type: ignore[no-any-return]
        return self.projections[modality](tokens.summary)  # type: ignore[no-any-return]


def _projection(encoder: Encoder, features: int) -> nn.Module:
    if encoder.aligned:
        return ResidualVector(given=encoder.given, learned=encoder.dim)
    return nn.Sequential(nn.Linear(encoder.dim, features), nn.ReLU())


def _check_widths(encoders: Mapping[str, Encoder], features: int) -> None:
    aligned = {m: encoder.given for m, encoder in sorted(encoders.items()) if encoder.aligned}
    problems = [
        f"model.features: {features} is not the width {width} of the space that encoder_{m}'s weights were aligned in; "
        f"set model.features={width}, so that the run begins with what the tower knows"
        for m, width in aligned.items()
        if width != features
    ]
    if problems:
        raise ConfigError(problems)


def _uniform(present: Tensor) -> Harmony:
    """Weights that treat all present modalities alike."""
    alike = present.float()
    return Harmony(
        pairs=alike[:, :, None] * alike[:, None, :],
        tasks=alike,
        modalities=alike / alike.sum(1, keepdim=True).clamp(min=1),
    )
