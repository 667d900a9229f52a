"""Runs the downstream tasks of a config on a trained run, or on embeddings made before."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from inspect import signature
from itertools import combinations
from typing import Any

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Metric, Request, Result
from m5kit.evaluation.gallery import found_by_some
from m5kit.evaluation.retrieval import Retrieval
from m5kit.inference.trained_run import TrainedRun
from m5kit.registry import METRICS
from m5kit.runs.json import read_json, write_json

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
    known = run.model.backbone.modalities
    metrics = {name: build_metric(config, known) for name, config in _chosen(run, tasks, modalities).items()}
    embedded = run.embed(_requests(run, [metrics]))
    evaluation = _compute(run, metrics, embedded)
    if store:
        shown = {name: metrics[name] for name in evaluation.results}
        write_json(run.folder.results, evaluation.as_json())
        write_json(run.folder.gallery, _galleries(shown, embedded, run.config.seed))
    return evaluation


def evaluate_views(
    run: TrainedRun, views: Sequence[Sequence[str]], tasks: Sequence[str] | None = None, store: bool = False
) -> dict[str, Evaluation]:
    """Run downstream tasks once for each view, a choice of modalities; every split is decoded once for all of them.

    Tasks that name modalities themselves come out the same in every view, so they are left out.

    Args:
        run: trained.
        views: the modalities of each; it is named ``image+text``.
        tasks: names from the config's ``evaluation``; None for all.
        store: write the figures to the run folder, beside those of other views.

    Raises:
        ConfigError: an unknown task or modality, or no task that could see something else.
    """
    open_tasks = [name for name, config in _chosen(run, tasks, None).items() if _follows_view(config)]
    if not open_tasks:
        raise ConfigError(["evaluation: every task asked for says itself what it sees, so other views change nothing"])
    metrics = {
        "+".join(view): {name: METRICS.build(config) for name, config in _chosen(run, open_tasks, view).items()}
        for view in views
    }
    embedded = run.embed(_requests(run, list(metrics.values())))
    found = {view: _compute(run, chosen, embedded) for view, chosen in metrics.items()}
    if store:
        before = read_json(run.folder.views) if run.folder.views.exists() else {}
        write_json(run.folder.views, before | {view: evaluation.as_json() for view, evaluation in found.items()})
    return found


def subsets(modalities: Sequence[str]) -> list[tuple[str, ...]]:
    """Every choice of at least one, the small ones first.

    Example:
        >>> subsets(["a", "b"])
        [('a',), ('b',), ('a', 'b')]
    """
    return [chosen for size in range(1, len(modalities) + 1) for chosen in combinations(modalities, size)]


def _requests(run: TrainedRun, views: Sequence[Mapping[str, Metric]]) -> set[Request]:
    """What the tasks that can run ask for."""
    there = run.data.manifest.split_sizes()
    able = [metric for metrics in views for metric in metrics.values() if not _missing(metric, there)]
    return {request for metric in able for request in metric.requests()}


def _compute(run: TrainedRun, metrics: Mapping[str, Metric], embedded: Mapping[Request, Embedded]) -> Evaluation:
    there = run.data.manifest.split_sizes()
    skipped = {name: reason for name, metric in metrics.items() if (reason := _missing(metric, there))}
    results: dict[str, Result] = {}
    for name, metric in metrics.items():
        if name in skipped:
            continue
        try:
            results[name] = metric.compute(embedded, run.config.seed)
        except DataError as error:  # one task that does not fit the data costs none of the others
            skipped[name] = str(error)
    return Evaluation(results, skipped)


def build_metric(config: Mapping[str, Any], modalities: Sequence[str]) -> Metric:
    """Build a metric; one that cannot do without ``modalities`` gets those of the run unless the config names some."""
    given = {"modalities": modalities} if needs_modalities(config) else {}
    metric: Metric = METRICS.build(config, **given)
    return metric


def needs_modalities(config: Mapping[str, Any]) -> bool:
    """Whether the metric must be told modalities, as it is about them, and not only about what is seen through them."""
    needed = signature(METRICS.get(config["type"])).parameters.get("modalities")
    return needed is not None and needed.default is needed.empty


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
    """Restrict a task that leaves the choice of modalities open, and one inside of it."""
    if modalities is not None and isinstance(config.get("task"), Mapping):
        return {**config, "task": _narrow(config["task"], modalities)}
    return config if modalities is None else {**config, **dict.fromkeys(_open_keys(config), tuple(modalities))}


def _follows_view(config: Mapping[str, Any]) -> bool:
    """Whether a task sees what it is told to see, and nothing else changes with that."""
    return bool(_open_keys(config)) and not needs_modalities(config)


def _open_keys(config: Mapping[str, Any]) -> list[str]:
    """The arguments that say which modalities a task sees, if it says nothing about any of them."""
    if any(key.endswith("modalities") for key in config):
        return []
    return [key for key in METRICS.arguments(config["type"]) if key.endswith("modalities")]


def _missing(metric: Metric, there: Mapping[str, int]) -> str | None:
    absent = sorted({request.split for request in metric.requests() if not request.samples} - set(there))
    return f"the manifest has no split {', '.join(absent)}" if absent else None
