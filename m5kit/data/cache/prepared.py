"""Prepares an item once: what decoder and transform make of its media, unaugmented, is kept on disk.

A second epoch, a second run and a hundred trials of a sweep then open no media. Nothing is ever stale: prepared inputs
are found by the settings and the version that made them and by the bytes of the item's file.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load, save

import m5kit
from m5kit.data.cache.store import OutputStore, digest_content, digest_facts
from m5kit.data.dataset import Pipeline
from m5kit.data.decode.base import Decoder
from m5kit.data.transforms.base import Transform
from m5kit.structures import Inputs

log = logging.getLogger("m5kit")
VALUES, LENGTH, EXTRA = "values", "length", "extra."


def prepared(pipeline: Pipeline, settings: Mapping[str, Any], store: OutputStore | None) -> Pipeline:
    """A pipeline whose inputs are made once and kept; its transform, fitted, does not augment any more.

    Args:
        pipeline: to be prepared.
        settings: what the config says about it.
        store: where inputs are kept; None makes them every time, with the same result.
    """
    transform = pipeline.transform
    facts = [m5kit.__version__, dict(settings), dict(transform.provides()), dict(transform.state())]
    space = f"inputs-{digest_facts(facts)}"
    if store is not None:
        store.begin(space)
    decoder = PreparedDecoder(pipeline.decoder, transform, store, space)
    return replace(pipeline, decoder=decoder, transform=PreparedTransform(transform))


class PreparedDecoder(Decoder):
    """Reads the kept inputs of an item, or makes and keeps them.

    Args:
        decoder: opens the media.
        transform: prepares what was decoded.
        store: where inputs are kept; None keeps none.
        space: and under which name.
    """

    def __init__(self, decoder: Decoder, transform: Transform, store: OutputStore | None, space: str) -> None:
        self.decoder, self.transform, self.store, self.space = decoder, transform, store, space
        self.joins = decoder.joins

    def __call__(self, source: Any, root: Path) -> Inputs:
        """The inputs of one item.

        Raises:
            DecodeError: its media cannot be read.
        """
        if self.store is None:
            return self.transform(self.decoder(source, root))
        content = digest_content(source, root)
        kept = self.store.get_bytes(self.space, content)
        if kept is not None:
            return _unpack(kept)
        made = self.transform(self.decoder(source, root))
        if not self.store.put_bytes(self.space, content, _pack(made)):
            log.warning(
                "prepared inputs do not fit into %.1f GB in %s, so media are opened every time; raise M5KIT_CACHE_GB",
                *(self.store.limit / 1e9, self.store.path.parent),
            )
            self.store = None
        return made


class PreparedTransform(Transform):
    """Hands on what was prepared.

    Args:
        inner: the transform that prepared it.
    """

    def __init__(self, inner: Transform) -> None:
        self.inner = inner

    def __call__(self, decoded: Inputs, generator: np.random.Generator | None = None) -> Inputs:
        """The inputs as they are."""
        return decoded

    def blank(self) -> Inputs:
        """That of the transform."""
        return self.inner.blank()

    def provides(self) -> Mapping[str, int]:
        """Those of the transform."""
        return self.inner.provides()

    def state(self) -> Mapping[str, Any]:
        """That of the transform."""
        return self.inner.state()


def _pack(inputs: Inputs) -> bytes:
    extras = {EXTRA + name: extra.contiguous() for name, extra in inputs.extras.items()}
    packed: bytes = save({VALUES: inputs.values.contiguous(), LENGTH: inputs.lengths, **extras})
    return packed


def _unpack(data: bytes) -> Inputs:
    tensors = load(data)
    extras = {name.removeprefix(EXTRA): tensor for name, tensor in tensors.items() if name.startswith(EXTRA)}
    return Inputs(tensors[VALUES], tensors[LENGTH], extras)
