"""Runs frozen encoders once an item and caches the outputs; later epochs and runs read the cache."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

import m5kit
from m5kit.api import DecodeError, Encoder
from m5kit.assembly.loader import ScopedLoader, start_worker
from m5kit.config import RunConfig
from m5kit.data.cache.key import digest_content, digest_settings
from m5kit.data.cache.reader import CachedDecoder, CachedTransform, pack, room_problem, unaugmented
from m5kit.data.cache.store import CacheError, CacheStore
from m5kit.data.dataset import Samples
from m5kit.data.limits import time_limit
from m5kit.data.loader import WatchedItems
from m5kit.data.pipeline import Pipeline
from m5kit.parallel.device import default_device
from m5kit.structures import Inputs

log = logging.getLogger("m5kit")
BATCH = 32

KeyedInputs = tuple[str, Inputs]
"""The digest of an item's content, and its inputs."""


@dataclass(frozen=True)
class FrozenOutputs:
    """The encoders of a model whose frozen part is run once an item.

    Attributes:
        config: of the run.
        encoders: by modality, those that ``extracts``, on the device.
        store: the cache; None runs them every time.
    """

    config: RunConfig
    encoders: Mapping[str, Encoder]
    store: CacheStore | None

    @classmethod
    def of(cls, model: nn.Module, config: RunConfig) -> "FrozenOutputs":
        """Find the frozen encoders of a model; the model is moved to the device if there are any."""
        encoders: Mapping[str, Encoder] = model.backbone.encoders  # type: ignore[union-attr, assignment]
        frozen = {modality: encoder for modality, encoder in encoders.items() if encoder.extracts}
        if frozen:
            model.to(default_device())
        return cls(config, frozen, CacheStore.from_environment())

    def pipelines(self, given: Mapping[str, Pipeline], samples: Samples, root: Path) -> dict[str, Pipeline]:
        """Pipelines that read cached outputs of ``samples``; missing outputs are computed first.

        The media of these encoders are never augmented, cached or not, so that the cache changes only the time needed.
        """
        reading = dict(given)
        for modality in self.encoders:
            if modality in given:
                reading[modality] = self._cached(modality, given[modality], samples, root)
        return reading

    def _cached(self, modality: str, pipeline: Pipeline, samples: Samples, root: Path) -> Pipeline:
        """The pipeline of one modality, reading the cache if there is one and it has room."""
        if self.store is None:
            return unaugmented(pipeline)
        space = self._space(modality, pipeline)
        try:
            self.store.open_space(space)
            limit = self.config.data.item_seconds
            missing = MissingItems(samples, modality, unaugmented(pipeline), root, self.store, space, limit)
            filled = self._fill(missing)
            problem = None if filled else room_problem(f"outputs of encoder_{modality}", self.store)
        except CacheError as error:
            problem = str(error)
        if problem is not None:
            log.warning("%s; encoder_%s runs every time", problem, modality)
            return unaugmented(pipeline)
        return replace(
            pipeline,
            decoder=CachedDecoder(pipeline, self.store, space, filled=True),
            transform=CachedTransform(pipeline.transform, self._blank(modality, pipeline)),
            noise=0.0,
        )

    def _fill(self, items: "MissingItems") -> bool:
        """Compute the missing outputs; False if the cache has no room for all of them."""
        for batch in _batches(items, self.config):
            keys, inputs = zip(*batch, strict=True)
            outputs = _extract(self.encoders[items.modality], inputs)
            if not items.store.put(items.space, dict(zip(keys, map(pack, outputs), strict=True))):
                return False
        return True

    def _blank(self, modality: str, pipeline: Pipeline) -> Inputs:
        """The output for an empty item, with which absent items are padded."""
        return _extract(self.encoders[modality], [pipeline.transform.blank()])[0]

    def _space(self, modality: str, pipeline: Pipeline) -> str:
        """Digest of everything that decides an output, except the item's content."""
        transform = pipeline.transform
        before = [self.config.inputs[modality], dict(transform.provides()), dict(transform.state())]
        # The version is part of it because a release may compute something in another way.
        encoder = [m5kit.__version__, *_settings(self.encoders[modality])]
        return f"outputs-{digest_settings([*encoder, *before])}"


@dataclass(frozen=True)
class MissingItems(Dataset[list[KeyedInputs]]):
    """Items by position: key and inputs of each value of an item that is not in the cache yet.

    Attributes:
        samples: the items.
        modality: whose pipeline it is.
        pipeline: without randomness.
        root: folder that paths are relative to.
        store: the cache.
        space: where in it.
        item_seconds: how long a value may take; None for no limit.
    """

    samples: Samples
    modality: str
    pipeline: Pipeline
    root: Path
    store: CacheStore
    space: str
    item_seconds: float | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> list[KeyedInputs]:
        reference = self.pipeline.reference(self.samples[index], self.modality)
        values = () if reference is None else self.pipeline.values(reference)
        return [found for found in map(self._read, values) if found is not None]

    def _read(self, source: Any) -> KeyedInputs | None:
        key = digest_content(source, self.root, self.pipeline.decoder.follow_links)
        if self.store.has(self.space, key):
            return None
        try:
            with time_limit(self.item_seconds):
                return key, self.pipeline.prepare(source, self.root)
        except DecodeError:
            return None  # training reads the item too, and counts the failure


def _batches(items: MissingItems, config: RunConfig) -> Iterator[list[KeyedInputs]]:
    """Items that are not in the cache, several at a time."""
    generator = torch.Generator().manual_seed(0)  # otherwise the loader draws from the global state
    loader = ScopedLoader(
        WatchedItems(items, config.data.workers, config.data.item_seconds),
        scope=config.plugins,
        name=lambda index: items.samples[index].id,
        batch_size=BATCH,
        num_workers=config.data.workers,
        collate_fn=_together,
        worker_init_fn=partial(start_worker, memory=config.data.item_memory),
        generator=generator,
    )
    for batch in loader:
        if batch:
            yield batch


def _together(found: Sequence[list[KeyedInputs]]) -> list[KeyedInputs]:
    """What the items of a batch have to compute."""
    return list(chain.from_iterable(found))


@torch.no_grad()
def _extract(encoder: Encoder, items: Sequence[Inputs]) -> list[Inputs]:
    """The frozen part's outputs for each item, on the host, without padding."""
    mode = encoder.training  # dropout or batch statistics would make an output depend on its batch
    outputs = encoder.eval().extract(Inputs.stack(items).to(default_device()))
    encoder.train(mode)
    values, single = outputs.values.cpu(), []
    for row, length in enumerate(outputs.lengths.tolist()):
        # Without padding, so that an entry does not depend on the items that it was computed with.
        extras = {name: extra[row, :length] for name, extra in outputs.extras.items()}
        single.append(Inputs.single(values[row, :length], extras))
    return single


def _settings(encoder: Encoder) -> Iterator[Any]:
    """What decides the outputs of an encoder's frozen part: plain attributes, versions of libraries, tensors."""
    plain = {}
    for name, value in vars(encoder).items():
        if name in ("dim", "training"):
            continue  # the common width belongs to what follows the frozen part, and the mode is not a setting
        if isinstance(value, int | float | str | bool):
            plain[name] = value
    yield [type(encoder).__qualname__, plain]
    yield [_version(library) for library in encoder.libraries]
    for name, module in encoder.frozen_modules().items():
        yield name
        if isinstance(module, Encoder):
            yield from _settings(module)
            continue
        for key, tensor in (*module.named_parameters(), *module.named_buffers()):
            yield key.encode() + _bytes(tensor)


def _version(library: str) -> str:
    """Version of an installed library; empty if it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _bytes(tensor: torch.Tensor) -> bytes:
    """The bytes of a tensor; viewed as integers because numpy has no bfloat16."""
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
