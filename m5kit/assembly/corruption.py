"""Items as a metric wants them changed: without a modality, with noise, or with a modality of another item."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset, Pipeline, Prepared
from m5kit.data.sampler import Draw
from m5kit.errors import DecodeError
from m5kit.evaluation.request import Change
from m5kit.structures import Batch, Inputs, Sample

Changes = Sequence[Change | None]


@dataclass(frozen=True)
class ChangedItems(Dataset[tuple[Prepared, ...]]):
    """Every item once for each change, decoded once where that is enough.

    Attributes:
        clean: the items as they are.
        pipelines: by modality, those that read the media themselves, as kept outputs of frozen encoders know no noise.
        changes: what is done to them; None for nothing.
    """

    clean: ManifestDataset
    pipelines: Mapping[str, Pipeline]
    changes: Changes

    def __len__(self) -> int:
        return len(self.clean)

    def __getitem__(self, draw: Draw) -> tuple[Prepared, ...]:
        item = self.clean[draw]
        return tuple(item if c is None else replace(item, inputs=self._inputs(item, draw, c)) for c in self.changes)

    def _inputs(self, item: Prepared, draw: Draw, change: Change) -> dict[str, Inputs]:
        if change.kind == "withheld":
            return self._withheld(item, self.clean.samples[draw.index], change)
        inputs = dict(item.inputs)
        for modality in [m for m in item.inputs if change.modality in (None, m)]:
            generator = np.random.default_rng([change.seed, crc32(item.id.encode()), crc32(modality.encode())])
            if change.kind == "noise":
                inputs[modality] = self._noisy(item, draw, modality, change.strength, generator)
            elif generator.random() < change.strength:
                self._put(inputs, modality, self._other(modality, draw.index, generator, change))
        return inputs

    def _put(self, inputs: dict[str, Inputs], modality: str, found: Inputs | None) -> None:
        """Replace a modality, or take it away as the run's policy for missing ones has it."""
        if found is not None:
            inputs[modality] = found
        elif self.clean.missing == "zero":
            inputs[modality] = self.clean.pipelines[modality].transform.blank()
        else:
            del inputs[modality]

    def _other(self, modality: str, own: int, generator: np.random.Generator, change: Change) -> Inputs | None:
        """The modality of a random other item that has it; None if it is to be missing or nobody else has it."""
        if change.kind == "missing":
            return None
        count = len(self.clean)
        start = int(generator.integers(count))
        for index in ((start + step) % count for step in range(count)):
            found = None if index == own else self._read(self.clean.samples[index], modality, self.clean.pipelines)
            if found is not None:
                return found
        return None

    def _noisy(
        self, item: Prepared, draw: Draw, modality: str, strength: float, generator: np.random.Generator
    ) -> Inputs:
        plain = self.pipelines[modality]
        inputs: Inputs | None = item.inputs[modality]
        if self.clean.pipelines[modality] is not plain:
            inputs = self._read(self.clean.samples[draw.index], modality, self.pipelines)
        vocabulary = plain.transform.provides().get("vocabulary")
        return item.inputs[modality] if inputs is None else noisy(inputs, strength, vocabulary, generator)

    def _withheld(self, item: Prepared, sample: Sample, change: Change) -> dict[str, Inputs]:
        """Read again whatever reads the modality, without the property."""
        held = change.modality or ""
        properties = sample.sources.get(held)
        if not isinstance(properties, Mapping) or change.key not in properties:
            return dict(item.inputs)
        left = {key: value for key, value in properties.items() if key != change.key}
        sources = {m: source for m, source in sample.sources.items() if m != held}
        changed = replace(sample, sources=sources | ({held: left} if left else {}))
        inputs = dict(item.inputs)
        for modality in item.inputs:
            plain = self.pipelines[modality]
            if plain.reference(changed, modality) != plain.reference(sample, modality):
                self._put(inputs, modality, self._read(changed, modality, self.pipelines))
        return inputs

    def _read(self, sample: Sample, modality: str, pipelines: Mapping[str, Pipeline]) -> Inputs | None:
        pipeline = pipelines[modality]
        reference = pipeline.reference(sample, modality)
        try:
            return None if reference is None else pipeline.transform(pipeline.decoder(reference, self.clean.root), None)
        except DecodeError:
            return None  # counted where the item itself is read


def noisy(inputs: Inputs, strength: float, vocabulary: int | None, generator: np.random.Generator) -> Inputs:
    """One item's inputs with noise, see :class:`m5kit.evaluation.request.Change`.

    Args:
        inputs: as a transform returns them.
        strength: standard deviations, or the share of ids that are replaced.
        vocabulary: how many ids there are; None if the values are none.
        generator: draws the same numbers whatever the strength.
    """
    values = inputs.values
    if vocabulary is not None:
        replaced = torch.from_numpy(generator.random(values.shape) < strength)
        ids = torch.from_numpy(generator.integers(vocabulary, size=values.shape)).to(values.dtype)
        return replace(inputs, values=torch.where(replaced, ids, values))
    drawn = torch.from_numpy(generator.standard_normal(values.shape, dtype=np.float32))
    moved = values.float() + strength * values.float().std(correction=0) * drawn
    return replace(inputs, values=_like(moved, values))


def collate_changed(items: Sequence[tuple[Prepared, ...]], modalities: Sequence[str]) -> list[Batch]:
    """One batch of the same items for each change."""
    return list(map(partial(collate, modalities=modalities), _by_change(items)))


def _by_change(items: Sequence[tuple[Prepared, ...]]) -> Iterator[list[Prepared]]:
    return (list(views) for views in zip(*items, strict=True))


def _like(moved: Tensor, values: Tensor) -> Tensor:
    """In the type of the values; what is stored as whole numbers stays in its range."""
    if values.is_floating_point():
        return moved.to(values.dtype)
    bounds = torch.iinfo(values.dtype)
    return moved.round().clamp(bounds.min, bounds.max).to(values.dtype)
