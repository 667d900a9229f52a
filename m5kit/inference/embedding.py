"""Embeds the items of splits with a model, as seen through any subset of their modalities, corrupted or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from m5kit.assembly.data import RunData
from m5kit.errors import UsageError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.request import SPACES
from m5kit.inference.labels import read_labels
from m5kit.inference.passes import Passes
from m5kit.models.base import Model
from m5kit.parallel.group import Group


def embed_requests(
    model: Model, data: RunData, failures: Path, requests: Iterable[Request], group: Group
) -> dict[Request, Embedded]:
    """Embed what metrics ask for; items are decoded once, whatever subsets of their modalities are asked for.

    Args:
        model: in eval mode, on the device.
        data: of its run.
        failures: the file that lists items that cannot be decoded.
        requests: any; those for the same items are answered together.
        group: the processes that share the work; all of them must ask for the same things in the same order.

    Returns:
        The answers in the first process, nothing in the others.

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
        embedded |= _embed_together(model, data, failures, asked, group)
    return embedded


def embed_splits(
    model: Model,
    data: RunData,
    failures: Path,
    splits: Sequence[str] | None,
    modalities: tuple[str, ...] | None,
    space: str,
    group: Group,
) -> Embedded | None:
    """Embed every item of some splits, or of all, in one table; the split of each joins the labels.

    Returns:
        The table in the first process of the group, None in the others.
    """
    chosen = data.manifest.split_sizes() if splits is None else splits
    requests = [Request(split, modalities, space) for split in chosen]
    parts: list[Embedded] = []
    for request, part in embed_requests(model, data, failures, requests, group).items():
        parts.append(with_split(part, request.split))
    return joined(parts) if group.first else None


def with_split(part: Embedded, split: str) -> Embedded:
    """The same items, with their split among the labels."""
    return replace(part, labels={"split": np.full(len(part), split), **part.labels})


def joined(parts: Sequence[Embedded]) -> Embedded:
    """One table of several; a label that only some of them have is empty in the others."""
    ids = np.concatenate([part.ids for part in parts])
    vectors = np.concatenate([part.vectors for part in parts])
    labels = _joined_columns([part.labels for part in parts], parts)
    return Embedded(ids, vectors, labels, _joined_columns([part.predictions for part in parts], parts))


def _joined_columns(columns: Sequence[Mapping[str, np.ndarray]], parts: Sequence[Embedded]) -> dict[str, np.ndarray]:
    names: set[str] = set()
    for own in columns:
        names |= own.keys()
    found = {}
    for name in sorted(names):
        values = [own.get(name, np.full(len(part), "")) for own, part in zip(columns, parts, strict=True)]
        found[name] = np.concatenate(values)
    return found


def _embed_together(
    model: Model, data: RunData, failures: Path, requests: Sequence[Request], group: Group
) -> dict[Request, Embedded]:
    """Embed requests for the same items."""
    samples = requests[0].samples or data.samples(requests[0].split)
    passes = Passes(model, requests)
    passes.run(data, failures, samples, group)
    if not group.first:
        return {}
    ids = passes.ids
    labels: dict[str | None, Mapping[str, np.ndarray]] = {}
    embedded = {}
    for request in requests:
        # reading labels goes through all items, so requests that want the same share them
        if request.properties not in labels:
            labels[request.properties] = read_labels(samples, request.properties)
        predictions = _predictions(model, data, passes, request)
        embedded[request] = Embedded(ids, passes.vectors(request), labels[request.properties], predictions)
    return embedded


def _predictions(model: Model, data: RunData, passes: Passes, request: Request) -> Mapping[str, np.ndarray]:
    """By its label, the classes that a fine-tuned model scores highest; empty unless its head classifies."""
    if model.predicts is None:
        return {}
    # dtype, because an array of no names would otherwise be one of floats
    return {model.predicts: np.array(data.classes[model.predicts], dtype=np.str_)[passes.classes(request)]}


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
        raise UsageError([f"space: there is no {space!r}; choose one of {', '.join(spaces)}"])
