"""Runs frozen encoders once an item: what they make of it is kept, and later epochs and runs read that."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import m5kit
from m5kit.api import DecodeError, Decoder, Transform
from m5kit.config import RunConfig
from m5kit.data.cache.store import OutputStore, digest_content, digest_facts
from m5kit.data.dataset import Pipeline, Samples
from m5kit.errors import DataError
from m5kit.nn.pretrained.extraction import EXTRACTED
from m5kit.parallel.device import default_device
from m5kit.structures import Inputs

log = logging.getLogger("m5kit")
BATCH = 32


@dataclass(frozen=True)
class FrozenOutputs:
    """The encoders of a model whose frozen part is run once an item.

    Attributes:
        config: of the run.
        encoders: by modality, those that ``extracts``, on the device.
        store: where outputs are kept; None runs them every time.
    """

    config: RunConfig
    encoders: Mapping[str, Any]
    store: OutputStore | None

    @classmethod
    def of(cls, model: nn.Module, config: RunConfig) -> "FrozenOutputs":
        """Find them in a model; it is moved to the device if there are any."""
        everyone: Mapping[str, Any] = model.backbone.encoders  # type: ignore[union-attr, assignment]
        found = {m: encoder for m, encoder in everyone.items() if getattr(encoder, "extracts", False)}
        if found:
            model.to(default_device())
        return cls(config, found, OutputStore.from_environment())

    def pipelines(self, given: Mapping[str, Pipeline], samples: Samples, root: Path) -> dict[str, Pipeline]:
        """Pipelines that read kept outputs of ``samples`` where there are any; computes those that are missing.

        Media of the encoders concerned are never augmented, kept or not, so that keeping changes nothing but time.
        """
        return {
            m: self._kept(m, pipeline, samples, root) if m in self.encoders else pipeline
            for m, pipeline in given.items()
        }

    def _kept(self, modality: str, pipeline: Pipeline, samples: Samples, root: Path) -> Pipeline:
        plain = replace(pipeline, transform=Unaugmented(pipeline.transform))
        if self.store is None:
            return plain
        space = self._space(modality, pipeline)
        self.store.begin(space)
        items = Unkept(samples, modality, plain, root, self.store, space)
        if not self._fill(modality, items):
            log.warning(
                "outputs of encoder_%s do not fit into %.1f GB in %s, so it runs every time; raise M5KIT_CACHE_GB",
                *(modality, self.store.limit / 1e9, self.store.path.parent),
            )
            return plain
        blank = self._blank(modality, pipeline)
        decoder = KeptDecoder(pipeline.decoder, self.store, space)
        return replace(pipeline, decoder=decoder, transform=KeptTransform(plain.transform, blank))

    def _fill(self, modality: str, items: "Unkept") -> bool:
        """Compute what is missing; False if there is no room for all of it."""
        assert self.store is not None
        for batch in _batches(items, self.config.data.workers):
            inputs = Inputs.stack([each for _, each in batch]).to(default_device())
            outputs = _extract(self.encoders[modality], inputs)
            rows = outputs.values.cpu().numpy()
            real = {key: rows[i, : int(outputs.lengths[i])] for i, (key, _) in enumerate(batch)}
            if not self.store.put(items.space, real):
                return False
        return True

    def _blank(self, modality: str, pipeline: Pipeline) -> Inputs:
        inputs = Inputs.stack([pipeline.transform.blank()]).to(default_device())
        outputs = _extract(self.encoders[modality], inputs)
        count = int(outputs.lengths[0])
        return Inputs.single(outputs.values[0, :count].cpu(), {EXTRACTED: outputs.extras[EXTRACTED][0, :count]})

    def _space(self, modality: str, pipeline: Pipeline) -> str:
        """Digest of everything that decides an output but the item's content."""
        encoder, transform = self.encoders[modality], pipeline.transform
        before = [self.config.inputs[modality], dict(transform.provides()), dict(transform.state())]
        return digest_facts([*_settings(encoder), *before])


class Unaugmented(Transform):
    """A transform without randomness, in training as in use."""

    def __init__(self, inner: Transform) -> None:
        self.inner = inner

    def __call__(self, decoded: Any, generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one item, always alike."""
        return self.inner(decoded, None)

    def blank(self) -> Inputs:
        """That of the transform."""
        return self.inner.blank()

    def provides(self) -> Mapping[str, int]:
        """Those of the transform."""
        return self.inner.provides()


class KeptTransform(Unaugmented):
    """Kept outputs as inputs; ``blank`` is what the encoder made of an item that is missing."""

    def __init__(self, inner: Transform, blank: Inputs) -> None:
        super().__init__(inner)
        self.made_of_nothing = blank

    def __call__(self, decoded: Any, generator: np.random.Generator | None = None) -> Inputs:
        """Mark ``l c`` outputs as such."""
        mark = int(self.made_of_nothing.extras[EXTRACTED].max())
        return Inputs.single(torch.from_numpy(decoded.copy()), {EXTRACTED: torch.full((len(decoded),), mark)})

    def blank(self) -> Inputs:
        """What the encoder made of nothing."""
        return self.made_of_nothing


class KeptDecoder(Decoder):
    """Reads a kept output in place of the media it was made of."""

    def __init__(self, inner: Decoder, store: OutputStore, space: str) -> None:
        self.inner, self.store, self.space = inner, store, space

    def __call__(self, source: Any, root: Path) -> Any:
        """The output ``l c`` of one item.

        Raises:
            DecodeError: the item could not be decoded, so there is none.
            DataError: the file has changed, or its output was removed, since the run began.
        """
        found = self.store.get(self.space, digest_content(source, root))
        if found is not None:
            return found
        self.inner(source, root)
        raise DataError(
            f"{source!r} has changed since the run began, or its kept output was removed from {self.store.path}; "
            "continue the run with --resume"
        )


@dataclass(frozen=True)
class Unkept(Dataset[tuple[str, Inputs] | None]):
    """Items by position: key and inputs of one whose output is not kept yet, None for the others.

    Attributes:
        samples: the items.
        modality: whose pipeline it is.
        pipeline: without randomness.
        root: folder that paths are relative to.
        store: where outputs are kept.
        space: and under which name.
    """

    samples: Samples
    modality: str
    pipeline: Pipeline
    root: Path
    store: OutputStore
    space: str

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[str, Inputs] | None:
        source = self.pipeline.reference(self.samples[index], self.modality)
        if source is None:
            return None
        key = digest_content(source, self.root)
        if self.store.has(self.space, key):
            return None
        try:
            return key, self.pipeline.transform(self.pipeline.decoder(source, self.root))
        except DecodeError:
            return None  # counted when training meets it


def _batches(items: Unkept, workers: int) -> Iterator[list[tuple[str, Inputs]]]:
    """Items whose output is not kept, several at a time."""
    generator = torch.Generator().manual_seed(0)  # else the loader draws from the global state
    loader: DataLoader[Any] = DataLoader(
        items, BATCH, num_workers=workers, collate_fn=_present, worker_init_fn=_one_thread, generator=generator
    )
    yield from (batch for batch in loader if batch)


def _present(found: Sequence[tuple[str, Inputs] | None]) -> list[tuple[str, Inputs]]:
    return [each for each in found if each is not None]


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)


def _extract(encoder: Any, inputs: Inputs) -> Inputs:
    mode = encoder.training
    outputs: Inputs = encoder.eval().extract(inputs)
    encoder.train(mode)
    return outputs


def _settings(encoder: nn.Module) -> Iterator[Any]:
    """Plain attributes, buffers and weights of an encoder's frozen parts, and the versions of what runs them."""
    yield [m5kit.__version__, *(_version(name) for name in ("transformers", "open_clip_torch"))]
    for part in encoder.modules():
        if not getattr(part, "extracts", False):
            continue
        plain = {k: v for k, v in vars(part).items() if isinstance(v, int | float | str | bool)}
        yield [type(part).__qualname__, {k: v for k, v in plain.items() if k not in ("dim", "training")}]
        for name, child in part.named_children():
            if name in ("backbone", "normalize"):
                tensors = [*child.named_parameters(), *child.named_buffers()]
                yield from (b"%s" % key.encode() + _bytes(tensor) for key, tensor in tensors)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
