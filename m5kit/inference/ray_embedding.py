"""Embeds a whole catalogue on a Ray cluster: Ray Data maps stretches of items to their embeddings, in order."""

import json
from collections.abc import Mapping, Sequence
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
from m5kit.inference.embedding import embed_requests, joined
from m5kit.inference.trained_run import ALONE, TrainedRun
from m5kit.parallel.ray_cluster import join_ray, over
from m5kit.runs.folder import RunFolder
from m5kit.structures import Failure

STRETCH = 16 * EVAL_BATCH
"""Items of a task: whole batches, as the last bits of a vector can depend on its batch."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; every process of the cluster opens the run and the data by these names.

    Attributes:
        run: the run's folder, which all machines see.
        data: other items than the run's own, or None.
        modalities: the only ones that the model sees; None for all.
        space: of the embeddings.
    """

    run: Path
    data: Place | None
    modalities: tuple[str, ...] | None
    space: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring items of a split.

    Attributes:
        number: of the stretch, in the order of the result.
        split: its name.
        first: the number of the first one in the split.
        stop: the number behind the last one.
    """

    number: int
    split: str
    first: int
    stop: int


def embed_stretch(stretch: Stretch, *, asked: Asked) -> tuple[int, Embedded, list[Failure]]:
    """Embed one stretch, in a process of the cluster.

    Returns:
        Its number, the embeddings, and what could not be decoded.
    """
    embedded, failures = _embed(_opened(asked), asked, stretch)
    return stretch.number, embedded, failures


@lru_cache(1)
def _opened(asked: Asked) -> TrainedRun:
    """The run with its model, which a process of the cluster keeps between two stretches."""
    return TrainedRun.open(asked.run, data=asked.data)


def _embed(trained: TrainedRun, asked: Asked, stretch: Stretch) -> tuple[Embedded, list[Failure]]:
    """The embeddings of some items, and what of them could not be decoded."""
    items = trained.data.samples(stretch.split)
    wanted = np.zeros(len(items), np.bool_)
    wanted[stretch.first : stretch.stop] = True
    request = Request(stretch.split, asked.modalities, asked.space, samples=tuple(items.take(wanted)))
    with TemporaryDirectory(prefix="m5kit-") as folder:
        listed = Path(folder) / "failures.jsonl"
        found = embed_requests(trained.model, trained.data, listed, [request], ALONE)[request]
        lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    labels = {"split": np.full(len(found), stretch.split), **found.labels}
    return replace(found, labels=labels), [Failure(**json.loads(line)) for line in lines]


def embed_on_ray(asked: Asked, splits: Sequence[str] | None) -> tuple[RunConfig, Embedded]:
    """Embed every item of some splits, or of all, as ``TrainedRun.embed_items`` does, to the same bits.

    Returns:
        The config of the run, and the embeddings.

    Raises:
        MissingDependencyError: ray is not installed.
        ConfigError: there is no cluster at ``RAY_ADDRESS``, or the run has no such modality or space.
        DataError: the items cannot be read, or too many of them.
    """
    ray = join_ray("--engine ray")
    folder = RunFolder.open(asked.run)
    config = check_config(load_config(folder.config, data=asked.data))
    sizes = RunData.reopen(config, folder).manifest.split_sizes()
    stretches = _stretches(sizes, list(sizes) if splits is None else splits)
    parts: dict[int, Embedded] = {}
    log = FailureLog(folder.failures, max_share=1.0)  # each process judges the share of its items
    for number, part, failures in over(ray, stretches, partial(embed_stretch, asked=asked), accelerated=True):
        parts[number] = part
        log.add({}, failures)
    return config, joined([parts[number] for number in range(len(stretches))])


def _stretches(sizes: Mapping[str, int], splits: Sequence[str]) -> list[Stretch]:
    found: list[Stretch] = []
    for split in splits:
        size = sizes.get(split, 0)
        # a split that has no items is asked for too, so that the error is that of any other engine
        for first in range(0, max(size, 1), STRETCH):
            found += [Stretch(len(found), split, first, min(first + STRETCH, size))]
    return found
