"""Prepares one drawn item: decides what to keep, decodes it, transforms it."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch.utils.data import Dataset

from m5kit.data.failures import failures_of
from m5kit.data.limits import time_limit
from m5kit.data.manifest import Manifest
from m5kit.data.pipeline import Pipeline
from m5kit.data.sampler import Draw
from m5kit.data.several import passes
from m5kit.errors import DecodeError
from m5kit.structures import Failure, Inputs, Sample

Samples = Manifest | Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One item as it enters a batch; a modality that it does not have, or that failed, is a missing key."""

    id: str
    inputs: Mapping[str, Inputs]
    targets: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    position: int = 0  # the number of the draw that it came from
    others: tuple[Mapping[str, Inputs], ...] = ()  # in evaluation, the same with its further values of a modality

    @property
    def passes(self) -> tuple[Mapping[str, Inputs], ...]:
        """What a model reads of the item, one mapping after the other."""
        return (self.inputs, *self.others)


class ManifestDataset(Dataset[Prepared]):
    """Items by draw. What comes out depends on the seed and the draw only, never on which worker makes it.

    Args:
        samples: the items.
        root: folder that paths are relative to.
        pipelines: by modality.
        targets: by label name, the class number of each value; other values give -1.
        seed: of augmentation and modality dropout.
        train: augment, and drop modalities.
        dropout: probability that a modality of an item is hidden in training. The last one never is: should all that
            were kept fail to decode, hidden ones come back until one can be read.
        twice: augment each item of training a second time, as ``Inputs.again``.
        missing: ``mask`` leaves an absent modality out, ``zero`` gives zeros that count as present, as the paper does.
        item_seconds: how long a value of a modality may take; None for no limit.
        every_value: outside training, read all values of a modality where its pipeline says so; otherwise one.
    """

    def __init__(
        self,
        *,
        samples: Samples,
        root: Path,
        pipelines: Mapping[str, Pipeline],
        targets: Mapping[str, Mapping[str, int]] | None = None,
        seed: int = 0,
        train: bool = False,
        dropout: float = 0.0,
        twice: bool = False,
        missing: Literal["mask", "zero"] = "mask",
        item_seconds: float | None = None,
        every_value: bool = True,
    ) -> None:
        self.samples = samples
        self.root = root
        self.pipelines = dict(sorted(pipelines.items()))
        self.targets = targets or {}
        self.seed = seed
        self.train = train
        self.dropout = dropout
        self.twice = twice
        self.missing = missing
        self.item_seconds = item_seconds
        self.every_value = every_value

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, draw: Draw) -> Prepared:
        sample = self.samples[draw.index]
        references = {}
        for m, pipeline in self.pipelines.items():
            reference = pipeline.reference(sample, m)
            if reference is not None:
                references[m] = reference
        present = list(references)
        kept = self._keep(present, draw.position)
        read: dict[str, list[Inputs]] = {}
        failures: list[Failure] = []
        # kept ones first; hidden ones are touched only if no kept one could be read
        for modality in dict.fromkeys([*kept, *present]):
            if modality not in kept and read:
                break
            found, damaged = self._read(modality, references[modality], draw.position)
            failures += failures_of(sample.id, modality, damaged, lost=not found)
            if found:
                read[modality] = found
        inputs, *others = map(self._filled, passes(read))
        numbers = {}
        for name, classes in self.targets.items():
            # a class that training never saw counts as no label
            numbers[name] = classes.get(sample.labels.get(name, ""), -1)
        return Prepared(sample.id, inputs, numbers, tuple(failures), draw.position, tuple(others))

    def _keep(self, present: list[str], position: int) -> list[str]:
        if not self.train or not self.dropout or len(present) < 2:
            return present
        generator = self._generator(position)
        kept = [m for m, chance in zip(present, generator.random(len(present)), strict=True) if chance >= self.dropout]
        return kept or [present[generator.integers(len(present))]]

    def _read(self, modality: str, reference: Any, position: int) -> tuple[list[Inputs], dict[int, str]]:
        """Inputs of one value or of all, and by number why others could not be read; a damaged one costs no more."""
        pipeline = self.pipelines[modality]
        values = pipeline.values(reference)
        every = pipeline.several == "all" and self.every_value and not self.train
        found: list[Inputs] = []
        damaged: dict[int, str] = {}
        for number in self._order(len(values), modality, position):
            if found and not every:
                break
            try:
                with time_limit(self.item_seconds):
                    found.append(self._prepare(modality, values[number], position))
            except DecodeError as error:
                damaged[number] = str(error)
        return found, damaged

    def _order(self, count: int, modality: str, position: int) -> Sequence[int]:
        """In which order values are tried; in training another one at every draw."""
        if count == 1 or not self.train:
            return range(count)
        # a stream of its own: an item with one value is augmented as if there were no others in the set
        order: list[int] = self._generator(position, f"{modality} value").permutation(count).tolist()
        return order

    def _filled(self, inputs: dict[str, Inputs]) -> dict[str, Inputs]:
        if self.missing == "mask":
            return inputs
        return {m: inputs.get(m) or pipeline.transform.blank() for m, pipeline in self.pipelines.items()}

    def _prepare(self, modality: str, reference: Any, position: int) -> Inputs:
        pipeline = self.pipelines[modality]
        if not self.train:
            return pipeline.prepare(reference, self.root)
        again = self._generator(position, f"{modality} again") if self.twice else None
        return pipeline.prepare(reference, self.root, self._generator(position, modality), again)

    def _generator(self, position: int, purpose: str = "") -> np.random.Generator:
        # one stream a modality, so that hiding one leaves the augmentation of the others as it was
        return np.random.default_rng([self.seed, position, zlib.crc32(purpose.encode())])


def corpus(samples: Samples, root: Path, modality: str, pipeline: Pipeline) -> Iterator[Any]:
    """What ``Transform.fit`` learns from: the decoded items; those that lack the modality or fail are passed over."""
    for index in range(len(samples)):
        sample = samples[index]
        reference = pipeline.reference(sample, modality)
        for value in () if reference is None else pipeline.values(reference):
            try:
                decoded = pipeline.decode(value, root)
            except DecodeError:
                continue  # counted when training meets it
            yield decoded
