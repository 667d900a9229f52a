"""Reads cached inputs in place of media: a decoder that looks an item up, and a transform that hands it on.

The pair reads both kinds of cached inputs: what decoder and transform make of an item (``cache: true``), and what a
frozen encoder makes of that. Nothing is ever stale: entries are found by the settings and the version that made them
and by the bytes of the item's file.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load, save

import m5kit
from m5kit.data.cache.key import digest_content, digest_settings
from m5kit.data.cache.store import CacheError, CacheStore
from m5kit.data.decode.base import Decoder
from m5kit.data.pipeline import Pipeline
from m5kit.data.transforms.base import Transform
from m5kit.errors import DataError
from m5kit.structures import Inputs

log = logging.getLogger("m5kit")
VALUES, LENGTH, EXTRA = "values", "length", "extra."


def cached_where_asked(
    pipelines: Mapping[str, Pipeline], inputs: Mapping[str, Mapping[str, Any]], store: CacheStore | None
) -> dict[str, Pipeline]:
    """The pipelines by modality; those whose input says ``cache: true`` read prepared inputs from the store."""
    reading = dict(pipelines)
    for modality, pipeline in pipelines.items():
        settings = inputs[modality]
        if settings.get("cache", settings.get("keep")):  # keep is the older name
            reading[modality] = cached(pipeline, settings, store)
    return reading


def cached(pipeline: Pipeline, settings: Mapping[str, Any], store: CacheStore | None) -> Pipeline:
    """A pipeline whose inputs are made once; its transform, fitted, does not augment any more.

    Args:
        pipeline: to be read through the cache.
        settings: what the config says about it.
        store: the cache; None makes inputs every time, with the same result.
    """
    transform = pipeline.transform
    facts = [m5kit.__version__, dict(settings), dict(transform.provides()), dict(transform.state())]
    space = f"inputs-{digest_settings(facts)}"
    if store is not None:
        try:
            store.open_space(space)
        except CacheError as error:
            log.warning("%s; media are opened every time", error)
            store = None
    return unaugmented(pipeline, store, space)


def unaugmented(pipeline: Pipeline, store: CacheStore | None = None, space: str = "") -> Pipeline:
    """The pipeline without randomness, in training as in use; what it makes goes through ``store`` if there is one."""
    return replace(
        pipeline,
        decoder=CachedDecoder(pipeline, store, space),
        transform=CachedTransform(pipeline.transform, pipeline.transform.blank()),
        noise=0.0,
    )


class CachedDecoder(Decoder):
    """Reads the cached inputs of an item.

    Args:
        pipeline: opens the media, and prepares what was decoded.
        store: the cache; None makes inputs every time.
        space: where in it.
        filled: whether every item that can be decoded was put there before; otherwise what is missing is made and put
            there at its first visit.
    """

    def __init__(self, pipeline: Pipeline, store: CacheStore | None, space: str, filled: bool = False) -> None:
        self.pipeline, self.store, self.space, self.filled = pipeline, store, space, filled
        # what others ask of a decoder, they ask of the one that opens the media
        self.joins, self.reads_lists = pipeline.decoder.joins, pipeline.decoder.reads_lists
        self.follow_links = pipeline.decoder.follow_links

    def __call__(self, source: Any, root: Path) -> Inputs:
        """The inputs of one item.

        Raises:
            DecodeError: its media cannot be read.
            DataError: the cache was filled, but the item's file has changed since, or its entry was removed.
            CacheError: the cache was filled and cannot be read any more.
        """
        if self.store is None:
            return self._make(source, root)
        if not self.filled:
            return self._get_or_make(self.store, digest_content(source, root, self.follow_links), source, root)
        found = self.store.get(self.space, digest_content(source, root, self.follow_links))
        if found is not None:
            return unpack(found)
        self.pipeline.decoder(source, root)  # an item that could not be decoded has no entry: let it say why
        raise DataError(
            f"{source!r} has changed since the run began, or its entry was removed from {self.store.path}; "
            "continue the run with --resume"
        )

    def _make(self, source: Any, root: Path) -> Inputs:
        return self.pipeline.transform(self.pipeline.decoder(source, root))

    def _get_or_make(self, store: CacheStore, content: str, source: Any, root: Path) -> Inputs:
        try:
            found = store.get(self.space, content)
            if found is not None:
                return unpack(found)
            made = self._make(source, root)
            if not store.put(self.space, {content: pack(made)}):
                self._stop_using(room_problem("prepared inputs", store))
            return made
        except CacheError as error:
            self._stop_using(str(error))
            return self._make(source, root)

    def _stop_using(self, reason: str) -> None:
        """Without its cache a run is slower, and comes to the same."""
        log.warning("%s; media are opened every time", reason)
        self.store = None


class CachedTransform(Transform):
    """Hands on what the decoder read.

    Args:
        inner: the transform that prepared it.
        blank: what stands for an item that lacks the modality.
    """

    def __init__(self, inner: Transform, blank: Inputs) -> None:
        self.inner, self.missing = inner, blank

    def __call__(self, decoded: Inputs, generator: np.random.Generator | None = None) -> Inputs:
        """The inputs as they are."""
        return decoded

    def blank(self) -> Inputs:
        """What stands for an item that lacks the modality."""
        return self.missing

    def provides(self) -> Mapping[str, int]:
        """Those of the transform."""
        return self.inner.provides()

    def state(self) -> Mapping[str, Any]:
        """That of the transform."""
        return self.inner.state()


def room_problem(what: str, store: CacheStore) -> str:
    """The sentence that says that the cache is full."""
    return f"{what} do not fit into {store.limit / 1e9:.1f} GB in {store.path.parent}; raise M5KIT_CACHE_GB"


def pack(inputs: Inputs) -> bytes:
    """One item's inputs as bytes."""
    tensors = {VALUES: inputs.values.contiguous(), LENGTH: inputs.lengths}
    for name, extra in inputs.extras.items():
        tensors[EXTRA + name] = extra.contiguous()
    packed: bytes = save(tensors)
    return packed


def unpack(data: bytes) -> Inputs:
    """What :func:`pack` made of one item's inputs.

    Raises:
        CacheError: the bytes are something else.
    """
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise CacheError(f"an entry of the cache is damaged ({error})") from error
    extras = {name.removeprefix(EXTRA): tensor for name, tensor in tensors.items() if name.startswith(EXTRA)}
    return Inputs(tensors[VALUES], tensors[LENGTH], extras)
