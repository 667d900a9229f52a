"""Embeds and evaluates a whole catalogue on a Ray cluster: Ray Data maps stretches of items to their embeddings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from m5kit.assembly.data import EVAL_BATCH, RunData
from m5kit.config import RunConfig, check_config, load_config
from m5kit.data.failures import FailureLog
from m5kit.data.remote.place import Place
from m5kit.evaluation.base import Embedded, Request
from m5kit.inference.embedding import embed_requests, joined, with_split
from m5kit.inference.trained_run import ALONE, TrainedRun
from m5kit.parallel.ray_cluster import join_ray, over
from m5kit.runs.folder import RunFolder
from m5kit.structures import Failure

STRETCH = 16 * EVAL_BATCH
"""Items of a task: whole batches, as the last bits of a vector can depend on its batch."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a run is opened; every process of the cluster opens it and the data by these names.

    Attributes:
        run: the run's folder, which all machines see.
        data: other items than the run's own, or None.
        overrides: ``key=value`` of keys that do not change the model.
        untrained: leave the weights as they were before training.
    """

    run: Path
    data: Place | None = None
    overrides: tuple[str, ...] = ()
    untrained: bool = False


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring items of a split, and what is asked about them.

    Attributes:
        requests: for all items of the split.
        first: the number of the first one in the split.
        stop: the number behind the last one.
    """

    requests: tuple[Request, ...]
    first: int
    stop: int

    @property
    def split(self) -> str:
        """Its name."""
        return self.requests[0].split


@dataclass(frozen=True)
class RunOnRay(TrainedRun):
    """A run whose items a Ray cluster embeds; what metrics make of the vectors is computed here.

    Attributes:
        opening: how the processes of the cluster open the same run.
    """

    opening: Opening = Opening(Path())

    @classmethod
    def of(cls, opening: Opening) -> "RunOnRay":
        """Open a run here; errors are those of :meth:`TrainedRun.open`."""
        opened = cls.open(opening.run, opening.data, opening.overrides, opening.untrained)
        return replace(opened, opening=opening)

    def embed(self, requests: Iterable[Request]) -> dict[Request, Embedded]:
        """Embed what metrics ask for; items that a metric makes up are few, and are embedded here."""
        asked = list(requests)
        embedded = super().embed(request for request in asked if request.samples)
        of_splits = [request for request in asked if not request.samples]
        return embedded | embed_requests_on_ray(self.opening, of_splits, self.data, self.folder)


def embed_on_ray(
    opening: Opening, splits: Sequence[str] | None, modalities: tuple[str, ...] | None, space: str
) -> tuple[RunConfig, Embedded]:
    """Embed every item of some splits, or of all, as ``TrainedRun.embed_items`` does, to the same bits.

    Returns:
        The config of the run, and the embeddings.

    Raises:
        MissingDependencyError: ray is not installed.
        ConfigError: there is no cluster at ``RAY_ADDRESS``, or the run has no such modality or space.
        DataError: the items cannot be read, or too many of them.
    """
    folder = RunFolder.open(opening.run)
    config = check_config(load_config(folder.config, data=opening.data))
    data = RunData.reopen(config, folder)
    chosen = data.manifest.split_sizes() if splits is None else splits
    requests = [Request(split, modalities, space) for split in chosen]
    found = embed_requests_on_ray(opening, requests, data, folder)
    return config, joined([with_split(found[request], request.split) for request in requests])


def embed_requests_on_ray(
    opening: Opening, requests: Sequence[Request], data: RunData, folder: RunFolder
) -> dict[Request, Embedded]:
    """Answer requests for whole splits, to the bits of :func:`m5kit.inference.embedding.embed_requests`.

    Args:
        opening: of the run.
        requests: any, without samples.
        data: of the run.
        folder: of the run; what cannot be decoded is listed there.

    Raises:
        MissingDependencyError: ray is not installed.
        M5KitError: as a process of the cluster raised it.
    """
    ray = join_ray("--engine ray")
    stretches = _stretches(requests, data.manifest.split_sizes())
    answers: dict[int, list[Embedded]] = {}
    log = FailureLog(folder.failures, max_share=1.0)  # each process judges the share of its items
    numbered = list(enumerate(stretches))
    for number, answer, failures in over(ray, numbered, partial(embed_stretch, opening=opening), accelerated=True):
        answers[number] = answer
        log.add({}, failures)
    parts: dict[Request, list[Embedded]] = {request: [] for request in requests}
    for number, stretch in numbered:
        for request, part in zip(stretch.requests, answers.pop(number), strict=True):
            parts[request].append(part)
    return {request: joined(of_request) for request, of_request in parts.items()}


def _stretches(requests: Sequence[Request], sizes: Mapping[str, int]) -> list[Stretch]:
    """All items of each split; its requests are answered together, so that items are decoded once."""
    by_split: dict[str, list[Request]] = {}
    for request in requests:
        by_split.setdefault(request.split, []).append(request)
    found: list[Stretch] = []
    for split, asked in by_split.items():
        size = sizes.get(split, 0)
        # a split that has no items is asked for too, so that the error is that of any other engine
        firsts = range(0, max(size, 1), STRETCH)
        found += [Stretch(tuple(asked), first, min(first + STRETCH, size)) for first in firsts]
    return found


def embed_stretch(numbered: tuple[int, Stretch], *, opening: Opening) -> tuple[int, list[Embedded], list[Failure]]:
    """Embed one stretch, in a process of the cluster.

    Returns:
        Its number, the answer to each request, and what could not be decoded.
    """
    number, stretch = numbered
    answers, failures = _embed(_opened(opening), stretch)
    return number, answers, failures


@lru_cache(1)
def _opened(opening: Opening) -> TrainedRun:
    """The run with its model, which a process of the cluster keeps between two stretches."""
    return TrainedRun.open(opening.run, opening.data, opening.overrides, opening.untrained)


def _embed(trained: TrainedRun, stretch: Stretch) -> tuple[list[Embedded], list[Failure]]:
    """The embeddings of some items, and what of them could not be decoded."""
    items = trained.data.samples(stretch.split)
    wanted = np.zeros(len(items), np.bool_)
    wanted[stretch.first : stretch.stop] = True
    samples = tuple(items.take(wanted))
    requests = [replace(request, samples=samples) for request in stretch.requests]
    with TemporaryDirectory(prefix="m5kit-") as folder:
        listed = Path(folder) / "failures.jsonl"
        found = embed_requests(trained.model, trained.data, listed, requests, ALONE)
        lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    return [found[request] for request in requests], [Failure(**json.loads(line)) for line in lines]
