"""Runs the downstream tasks of a config on a trained run, or on embeddings made before."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from m5kit.engine.embedding import TrainedRun
from m5kit.engine.run_folder import write_json
from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Metric, Request, Result
from m5kit.evaluation.gallery import found_by_some
from m5kit.evaluation.retrieval import Retrieval
from m5kit.registry import METRICS

GALLERIES = 4
"""For how many retrieval tasks ``gallery.json`` shows what queries found."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures by downstream task, and the tasks that could not run.

    Attributes:
        results: figures by task.
        skipped: why, by task.
    """

    results: Mapping[str, Result]
    skipped: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """What ``results.json`` holds."""
        results = {task: {name: asdict(f) for name, f in result.items()} for task, result in self.results.items()}
        return {"results": results, "skipped": dict(self.skipped)}


def evaluate(
    run: TrainedRun, tasks: Sequence[str] | None = None, modalities: Sequence[str] | None = None, store: bool = False
) -> Evaluation:
    """Run downstream tasks.

    Args:
        run: trained.
        tasks: names from the config's ``evaluation``; None for all.
        modalities: let every task that names no modalities itself see only these.
        store: write the figures, and what some queries found, to the run folder.

    Raises:
        ConfigError: an unknown task or modality.
    """
    metrics = {name: METRICS.build(config) for name, config in _chosen(run, tasks, modalities).items()}
    there = run.data.manifest.split_sizes()
    skipped = {name: reason for name, metric in metrics.items() if (reason := _missing(metric, there))}
    able = {name: metric for name, metric in metrics.items() if name not in skipped}
    embedded = run.embed({request for metric in able.values() for request in metric.requests()})
    results: dict[str, Result] = {}
    for name, metric in able.items():
        try:
            results[name] = metric.compute(embedded, run.config.seed)
        except DataError as error:  # one task that does not fit the data costs none of the others
            skipped[name] = str(error)
    evaluation = Evaluation(results, skipped)
    if store:
        write_json(run.folder.results, evaluation.as_json())
        write_json(run.folder.gallery, _galleries({name: able[name] for name in results}, embedded, run.config.seed))
    return evaluation


def _galleries(metrics: Mapping[str, Metric], embedded: Mapping[Request, Embedded], seed: int) -> dict[str, Any]:
    """What ``gallery.json`` holds: queries and hits of the first retrieval tasks, by task."""
    searches = [(name, metric) for name, metric in metrics.items() if isinstance(metric, Retrieval)]
    return {name: found_by_some(metric, embedded, seed) for name, metric in searches[:GALLERIES]}


def _chosen(
    run: TrainedRun, tasks: Sequence[str] | None, modalities: Sequence[str] | None
) -> dict[str, Mapping[str, Any]]:
    configured = run.config.evaluation
    unknown = sorted(set(tasks or ()) - set(configured))
    if unknown:
        known = ", ".join(configured) or "none"
        raise ConfigError([f"evaluation has no task {', '.join(unknown)}; the run's config has: {known}"])
    return {name: _narrow(config, modalities) for name, config in configured.items() if not tasks or name in tasks}


def _narrow(config: Mapping[str, Any], modalities: Sequence[str] | None) -> Mapping[str, Any]:
    """Restrict a task that leaves the choice of modalities open."""
    if modalities is None or any(key.endswith("modalities") for key in config):
        return config
    keys = [key for key in METRICS.arguments(config["type"]) if key.endswith("modalities")]
    return {**config, **dict.fromkeys(keys, tuple(modalities))}


def _missing(metric: Metric, there: Mapping[str, int]) -> str | None:
    absent = sorted({request.split for request in metric.requests()} - set(there))
    return f"the manifest has no split {', '.join(absent)}" if absent else None
