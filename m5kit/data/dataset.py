"""Prepare one drawn item: decide what to keep, decode it, transform it."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from m5kit.data.decode.base import Decoder
from m5kit.data.limits import time_limit
from m5kit.data.manifest import Manifest
from m5kit.data.sampler import Draw
from m5kit.data.transforms.base import Transform
from m5kit.errors import DecodeError, M5KitError
from m5kit.structures import Failure, Inputs, Sample

Samples = Manifest | Sequence[Sample]

LONGEST_REASON = 400
"""Characters of the message of an unexpected error."""


@contextmanager
def one_item() -> Iterator[None]:
    """Turn whatever a decoder or a transform raises into a DecodeError: one item must not end a run.

    Plugins and the libraries below raise anything, and a bug that meets every item still ends the run, by the share of
    failures that is allowed. Other errors of m5kit pass: a cache that cannot be read is no matter of one item.
    """
    try:
        yield
    except M5KitError:
        raise
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        raise DecodeError(message[:LONGEST_REASON]) from error


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How one modality is read.

    Attributes:
        decoder: opens the reference.
        transform: prepares what was decoded.
        source: another modality whose reference is used where an item has none of its own, as a video's sound.
        join: columns of the manifest that the decoder reads together; empty for the modality's own column alone.
    """

    decoder: Decoder
    transform: Transform
    source: str | None = None
    join: tuple[str, ...] = ()

    def reference(self, sample: Sample, modality: str) -> Any:
        """What to decode, values by column where several are joined, or None if the item has nothing."""
        if self.join:
            return {column: sample.sources[column] for column in self.join if column in sample.sources} or None
        own = sample.sources.get(modality)
        if own is not None or self.source is None or modality in sample.lost:
            return own
        return sample.sources.get(self.source)

    def decode(self, reference: Any, root: Path) -> Any:
        """What the decoder makes of a reference.

        Raises:
            DecodeError: whatever goes wrong with this one item; other errors of m5kit are not about an item.
        """
        with one_item():
            return self.decoder(reference, root)

    def prepare(
        self,
        reference: Any,
        root: Path,
        generator: np.random.Generator | None = None,
        again: np.random.Generator | None = None,
    ) -> Inputs:
        """Decoded and transformed.

        Args:
            reference: of one item.
            root: folder that paths are relative to.
            generator: augments; None leaves the item as it is.
            again: augments the item a second time, as ``Inputs.again``.

        Raises:
            DecodeError: whatever goes wrong with this one item, or numbers that would spoil a whole batch.
        """
        with one_item():
            decoded = self.decoder(reference, root)
            inputs = _finite(self.transform(decoded, generator))
            return inputs if again is None else replace(inputs, again=_finite(self.transform(decoded, again)))

    def accept(self, value: Any) -> Inputs:
        """Transformed as in evaluation: a value that a user of Python has decoded already, such as an array.

        Raises:
            DecodeError: the decoder takes no such value, or it would spoil a batch.
        """
        with one_item():
            return _finite(self.transform(self.decoder.accept(value)))

    def columns(self, modality: str) -> tuple[str, ...]:
        """The columns of the manifest that :meth:`reference` looks at."""
        return self.join or tuple(filter(None, (modality, self.source)))


def _finite(inputs: Inputs) -> Inputs:
    values = inputs.values
    if values.is_floating_point() and not torch.isfinite(values).all():
        raise DecodeError("what the transform made of it holds NaN or infinite numbers")
    return inputs


@dataclass(frozen=True, slots=True)
class Prepared:
    """One item as it enters a batch; a modality that it does not have, or that failed, is a missing key."""

    id: str
    inputs: Mapping[str, Inputs]
    targets: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    position: int = 0  # the number of the draw that it came from


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
        item_seconds: how long a modality of an item may take; None for no limit.
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
        inputs: dict[str, Inputs] = {}
        failures: list[Failure] = []
        # kept ones first; hidden ones are touched only if no kept one could be read
        for modality in dict.fromkeys([*kept, *present]):
            if modality not in kept and inputs:
                break
            try:
                with time_limit(self.item_seconds):
                    inputs[modality] = self._prepare(modality, references[modality], draw.position)
            except DecodeError as error:
                failures.append(Failure(sample.id, modality, str(error)))
        if self.missing == "zero":
            inputs = {m: inputs.get(m) or pipeline.transform.blank() for m, pipeline in self.pipelines.items()}
        numbers = {}
        for name, classes in self.targets.items():
            # a class that training never saw counts as no label
            numbers[name] = classes.get(sample.labels.get(name, ""), -1)
        return Prepared(sample.id, inputs, numbers, tuple(failures), draw.position)

    def _keep(self, present: list[str], position: int) -> list[str]:
        if not self.train or not self.dropout or len(present) < 2:
            return present
        generator = self._generator(position)
        kept = [m for m, chance in zip(present, generator.random(len(present)), strict=True) if chance >= self.dropout]
        return kept or [present[generator.integers(len(present))]]

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
        if reference is None:
            continue
        try:
            decoded = pipeline.decode(reference, root)
        except DecodeError:
            continue  # counted when training meets it
        yield decoded
