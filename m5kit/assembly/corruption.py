"""Corrupts items as a metric asks for: removes a modality, adds noise, or takes a modality of another item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import torch
from torch.utils.data import Dataset

from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset, Prepared
from m5kit.data.noise import with_noise
from m5kit.data.pipeline import Pipeline
from m5kit.data.sampler import Draw
from m5kit.errors import DecodeError
from m5kit.evaluation.request import Corruption
from m5kit.structures import Batch, Inputs, Sample

Corruptions = Sequence[Corruption | None]


@dataclass(frozen=True)
class CorruptedItems(Dataset[tuple[Prepared, ...]]):
    """Every item once for each corruption; it is decoded once unless a corruption needs other media.

    Attributes:
        clean: the items as they are.
        pipelines: by modality, those that read the media themselves: noise cannot be added to what a frozen encoder
            has computed from it.
        corruptions: what is done to them; None for nothing.
    """

    clean: ManifestDataset
    pipelines: Mapping[str, Pipeline]
    corruptions: Corruptions

    def __len__(self) -> int:
        return len(self.clean)

    def __getitem__(self, draw: Draw) -> tuple[Prepared, ...]:
        item = self.clean[draw]
        corrupted = []
        for corruption in self.corruptions:
            if corruption is None:
                corrupted.append(item)
            else:
                corrupted.append(self._corrupted(item, draw, corruption))
        return tuple(corrupted)

    def _corrupted(self, item: Prepared, draw: Draw, corruption: Corruption) -> Prepared:
        """An item with one corruption, which is the same for all of its values of a modality."""
        inputs, *others = (
            self._inputs(replace(item, inputs=inputs), draw, corruption, number)
            for number, inputs in enumerate(item.passes)
        )
        return replace(item, inputs=inputs, others=tuple(others))

    def _inputs(self, item: Prepared, draw: Draw, corruption: Corruption, value: int) -> dict[str, Inputs]:
        """The inputs of an item with one corruption applied; ``value`` is the number of the pass."""
        if corruption.kind == "withheld":
            return self._withheld(item, self.clean.samples[draw.index], corruption, value)
        inputs = dict(item.inputs)
        for modality in item.inputs:
            if corruption.modality not in (None, modality):
                continue
            # one generator an item and modality, so that neither batches nor workers change what is drawn
            generator = np.random.default_rng([corruption.seed, crc32(item.id.encode()), crc32(modality.encode())])
            if corruption.kind == "noise":
                inputs[modality] = self._noisy(item, draw, modality, corruption.strength, generator, value)
            # one draw an item, whatever the strength: a larger strength corrupts the same items and more
            elif generator.random() < corruption.strength:
                found = self._of_other(modality, draw.index, generator) if corruption.kind == "mismatch" else None
                self._put(inputs, modality, found)
        return inputs

    def _put(self, inputs: dict[str, Inputs], modality: str, found: Inputs | None) -> None:
        """Replace a modality, or remove it in the way that the run treats missing ones."""
        if found is not None:
            inputs[modality] = found
        elif self.clean.missing == "zero":
            inputs[modality] = self.clean.pipelines[modality].transform.blank()
        else:
            del inputs[modality]

    def _of_other(self, modality: str, index: int, generator: np.random.Generator) -> Inputs | None:
        """The modality of a random other item that has it; None if no other item has it."""
        count = len(self.clean)
        # A random start and then in order: one draw is enough, and every other item is tried once.
        start = int(generator.integers(count))
        for step in range(count):
            other = (start + step) % count
            if other == index:
                continue
            found = self._read(self.clean.samples[other], modality, self.clean.pipelines)
            if found is not None:
                return found
        return None

    def _noisy(
        self, item: Prepared, draw: Draw, modality: str, strength: float, generator: np.random.Generator, value: int
    ) -> Inputs:
        """The modality of an item with noise added to what its transform returns."""
        plain = self.pipelines[modality]
        inputs: Inputs | None = item.inputs[modality]
        # With a frozen encoder the item holds that encoder's outputs; the noise belongs on the media before it.
        if self.clean.pipelines[modality] is not plain:
            inputs = self._read(self.clean.samples[draw.index], modality, self.pipelines, value)
        vocabulary = plain.transform.provides().get("vocabulary")
        return item.inputs[modality] if inputs is None else noisy(inputs, strength, vocabulary, generator)

    def _withheld(self, item: Prepared, sample: Sample, corruption: Corruption, value: int) -> dict[str, Inputs]:
        """Read again every modality that draws on the property, without the property."""
        source = corruption.modality or ""
        properties = sample.sources.get(source)
        if not isinstance(properties, Mapping) or corruption.key not in properties:
            return dict(item.inputs)
        left = {key: value for key, value in properties.items() if key != corruption.key}
        sources = {modality: given for modality, given in sample.sources.items() if modality != source}
        changed = replace(sample, sources=sources | ({source: left} if left else {}))
        inputs = dict(item.inputs)
        for modality in item.inputs:
            plain = self.pipelines[modality]
            # a joined text may read the property too, so all pipelines are asked, not only that of the source
            if plain.reference(changed, modality) != plain.reference(sample, modality):
                self._put(inputs, modality, self._read(changed, modality, self.pipelines, value))
        return inputs

    def _read(self, sample: Sample, modality: str, pipelines: Mapping[str, Pipeline], number: int = 0) -> Inputs | None:
        """The inputs of one value of a modality of a sample; None if it has none or it cannot be decoded."""
        pipeline = pipelines[modality]
        reference = pipeline.reference(sample, modality)
        if reference is None:
            return None
        values = pipeline.values(reference)
        try:
            return pipeline.prepare(values[number % len(values)], self.clean.root)
        except DecodeError:
            return None  # counted where the item itself is read


def noisy(inputs: Inputs, strength: float, vocabulary: int | None, generator: np.random.Generator) -> Inputs:
    """One item's inputs with noise, see :class:`m5kit.evaluation.request.Corruption`.

    Args:
        inputs: as a transform returns them.
        strength: standard deviations, or the share of ids that are replaced.
        vocabulary: the number of ids; None if the values are not ids.
        generator: of the item; the numbers drawn do not depend on the strength.
    """
    if vocabulary is None:
        return with_noise(inputs, strength, generator)
    values = inputs.values
    replaced = torch.from_numpy(generator.random(values.shape) < strength)
    ids = torch.from_numpy(generator.integers(vocabulary, size=values.shape)).to(values.dtype)
    return replace(inputs, values=torch.where(replaced, ids, values))


def collate_corrupted(items: Sequence[tuple[Prepared, ...]], modalities: Sequence[str]) -> list[Batch]:
    """One batch of the same items for each corruption."""
    return [collate(list(versions), modalities=modalities) for versions in zip(*items, strict=True)]
