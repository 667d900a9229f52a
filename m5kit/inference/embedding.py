"""Embeds the items of splits with a model, as seen through any subset of their modalities, corrupted or not."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from m5kit.assembly.corruption import Corruptions
from m5kit.assembly.data import RunData
from m5kit.data.dataset import Samples
from m5kit.data.failures import FailureLog
from m5kit.errors import ConfigError
from m5kit.evaluation.base import Corruption, Embedded, Request
from m5kit.evaluation.request import SPACES
from m5kit.inference.labels import read_labels
from m5kit.models.base import Model
from m5kit.models.embedder import Embedding
from m5kit.parallel.device import default_device
from m5kit.structures import Batch

screen = logging.getLogger("m5kit")

Condition = tuple[tuple[str, ...] | None, Corruption | None]
"""The modalities that the model sees and the corruption of the items; requests with the same one share a pass."""


def embed_requests(model: Model, data: RunData, failures: Path, requests: Iterable[Request]) -> dict[Request, Embedded]:
    """Embed what metrics ask for; items are decoded once, whatever subsets of their modalities are asked for.

    Args:
        model: in eval mode, on the device.
        data: of its run.
        failures: the file that lists items that cannot be decoded.
        requests: any; those for the same items are answered together.

    Raises:
        ConfigError: a modality that the model does not know.
    """
    # Decoding media costs more than the model, so requests are grouped by their items.
    by_items: dict[Request, list[Request]] = {}
    for request in requests:
        check_space(model, request.space)
        by_items.setdefault(Request(request.split, samples=request.samples), []).append(request)
    embedded: dict[Request, Embedded] = {}
    for asked in by_items.values():
        embedded |= _embed_together(model, data, failures, asked)
    return embedded


def embed_splits(
    model: Model,
    data: RunData,
    failures: Path,
    splits: Sequence[str] | None,
    modalities: tuple[str, ...] | None,
    space: str,
) -> Embedded:
    """Embed every item of some splits, or of all, in one table; the split of each joins the labels."""
    chosen = data.manifest.split_sizes() if splits is None else splits
    requests = [Request(split, modalities, space) for split in chosen]
    parts: list[Embedded] = []
    for request, part in embed_requests(model, data, failures, requests).items():
        parts.append(replace(part, labels={"split": np.full(len(part), request.split), **part.labels}))
    return _joined(parts)


def _joined(parts: Sequence[Embedded]) -> Embedded:
    """One table of several; a label that only some of them have is empty in the others."""
    names: set[str] = set()
    ids, vectors = [], []
    for part in parts:
        names |= part.labels.keys()
        ids.append(part.ids)
        vectors.append(part.vectors)
    labels = {}
    for name in sorted(names):
        labels[name] = np.concatenate([part.labels.get(name, np.full(len(part), "")) for part in parts])
    return Embedded(np.concatenate(ids), np.concatenate(vectors), labels)


def _embed_together(
    model: Model, data: RunData, failures: Path, requests: Sequence[Request]
) -> dict[Request, Embedded]:
    """Embed requests for the same items."""
    samples = requests[0].samples or data.samples(requests[0].split)
    conditions = set(map(_condition, requests))
    ids, collected = _run_model(model, data, failures, samples, conditions)
    labels: dict[str | None, Mapping[str, np.ndarray]] = {}
    embedded = {}
    for request in requests:
        # reading labels goes through all items, so requests that want the same share them
        if request.properties not in labels:
            labels[request.properties] = read_labels(samples, request.properties)
        parts = collected[_condition(request)]
        predictions = _predictions(model, data, parts)
        embedded[request] = Embedded(ids, _vectors(parts, request.space), labels[request.properties], predictions)
    return embedded


def _run_model(
    model: Model, data: RunData, failures: Path, samples: Samples, conditions: Iterable[Condition]
) -> tuple[np.ndarray, dict[Condition, list[Embedding]]]:
    """The ids of the items, and their embeddings in batches for each condition; every item is decoded once."""
    subsets: dict[Condition, tuple[str, ...]] = {}
    collected: dict[Condition, list[Embedding]] = {}
    wanted: set[Corruption] = set()
    for condition in conditions:
        modalities, corruption = condition
        subsets[condition] = known_modalities(model, modalities)
        collected[condition] = []
        if corruption is not None:
            wanted.add(corruption)
    # None comes first: a batch without corruption is always made, and its failures are the ones that count.
    corruptions = [None, *sorted(wanted, key=str)]
    ids: list[str] = []
    for batches in _batches(data, failures, samples, corruptions):
        ids += batches[0].ids
        # a batch is moved to the device once, whatever the number of subsets that are seen of it
        moved = [batch.to(default_device()) for batch in batches]
        for condition, subset in subsets.items():
            batch = moved[corruptions.index(condition[1])]
            collected[condition].append(model.embed(batch.only(subset)))
    return np.array(ids), collected


def _batches(data: RunData, failures: Path, samples: Samples, corruptions: Corruptions) -> Iterator[list[Batch]]:
    """The batches of the items, one for each corruption; items that cannot be decoded go to ``failures``."""
    log = FailureLog(failures, data.config.data.max_failed)
    for batches in data.eval_loader(samples, corruptions):
        log.update(batches[0])
        yield batches
    for modality, counts in log.summary().items():
        if counts["failed"]:
            screen.warning(
                "%s: %d of %d items could not be decoded; they are listed in %s",
                modality,
                counts["failed"],
                counts["attempts"],
                failures,
            )


def _predictions(model: Model, data: RunData, parts: Sequence[Embedding]) -> Mapping[str, np.ndarray]:
    """By its label, the classes that a fine-tuned model scores highest; empty unless its head classifies."""
    if model.predicts is None:
        return {}
    numbers = np.concatenate([part.scores.argmax(1).numpy() for part in parts if part.scores is not None])
    # dtype, because an array of no names would otherwise be one of floats
    return {model.predicts: np.array(data.classes[model.predicts], dtype=np.str_)[numbers]}


def known_modalities(model: Model, modalities: tuple[str, ...] | None) -> tuple[str, ...]:
    """The modalities that a request names, or all of the model's if it names none.

    Raises:
        ConfigError: the model reads no such modality.
    """
    known = model.backbone.modalities
    unknown = sorted(set(modalities or ()) - set(known))
    if unknown:
        raise ConfigError([f"the run has no {', '.join(unknown)}; it was trained with {', '.join(known)}"])
    return known if modalities is None else modalities


def check_space(model: Model, space: str) -> None:
    """Refuse an unknown space before anything is embedded.

    Raises:
        ConfigError: there is no such space.
    """
    given = []
    for m, encoder in model.backbone.encoders.items():
        if encoder.given:
            given.append(f"{m}.given")
    if given:
        given.append("given")
    spaces = [*SPACES, *model.backbone.modalities, *given]
    if space not in spaces:
        raise ConfigError([f"space: there is no {space!r}; choose one of {', '.join(spaces)}"])


def _vectors(parts: Sequence[Embedding], space: str) -> np.ndarray:
    return np.concatenate([part.vectors(space).numpy() for part in parts])


def _condition(request: Request) -> Condition:
    return request.modalities, request.corruption
