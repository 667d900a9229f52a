"""Runs the metrics of a config on a trained run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

from m5kit.errors import DataError, UsageError
from m5kit.evaluation.base import Embedded, Metric, Request, Result
from m5kit.inference.baseline import baseline_space
from m5kit.inference.trained_run import TrainedRun
from m5kit.plugins import in_use
from m5kit.registry import METRICS
from m5kit.runs.belonging import OF, own_views, values_of
from m5kit.runs.folder import NOTE
from m5kit.runs.json import write_json

GALLERIES = 4
"""For how many metrics ``gallery.json`` shows what queries found."""

Subset = tuple[str, ...]
"""Modalities that a model may see."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Values by metric, and the metrics that could not run.

    Attributes:
        results: values by the name that the config gives the metric.
        skipped: why, by the same name.
    """

    results: Mapping[str, Result]
    skipped: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """What ``results.json`` holds."""
        results: dict[str, dict[str, Any]] = {}
        for name, result in self.results.items():
            results[name] = {key: asdict(value) for key, value in result.items()}
        return {"results": results, "skipped": dict(self.skipped)}


def evaluate(run: TrainedRun, metrics: Sequence[str] | None = None, store: bool = False) -> Evaluation:
    """Run metrics on everything that the run may see; of several processes only the first gets values.

    Args:
        run: trained.
        metrics: names from the config's ``evaluation``; None for all.
        store: write the values, and what some queries found, to the run folder.

    Raises:
        ConfigError: an unknown metric.
    """
    chosen = build_chosen(run, metrics)
    embedded = run.embed(answerable_requests(chosen.values(), run.data.manifest.split_sizes()))
    if not run.group.first:
        return Evaluation({}, {})
    evaluation = compute(run, chosen, embedded)
    # values that are there are not replaced by none
    if store and (evaluation.results or not (evaluation.skipped and run.folder.results.exists())):
        shown = {name: chosen[name] for name in evaluation.results}
        write_json(run.folder.results, _stored(evaluation, run))
        write_json(run.folder.gallery, _galleries(shown, embedded, run.config.seed))
    return evaluation


def evaluate_subsets(
    run: TrainedRun, subsets: Sequence[Sequence[str]], metrics: Sequence[str] | None = None, store: bool = False
) -> dict[str, Evaluation]:
    """Run metrics once for each subset of the modalities; of several processes only the first gets values.

    Metrics that name modalities themselves come out the same whatever the subset, so they are left out.

    Args:
        run: trained.
        subsets: the modalities of each; it is named ``image+text``.
        metrics: names from the config's ``evaluation``; None for all.
        store: write the values to the run folder, beside those of other subsets.

    Raises:
        ConfigError: an unknown metric or modality, or every metric names its modalities itself.
    """
    following = {name: metric for name, metric in build_chosen(run, metrics).items() if _is_open(metric)}
    if not following:
        raise UsageError(
            ["evaluation: every metric asked for names its own modalities, so a subset of them changes nothing"]
        )
    if store:
        own_views(run.folder)  # a damaged file is named before the work, which would be lost
    requests = answerable_requests(following.values(), run.data.manifest.split_sizes())
    wanted: dict[Request, None] = {}  # each once, though metrics ask for the same embeddings again and again
    for subset in subsets:
        wanted |= dict.fromkeys(_narrowed(request, tuple(subset)) for request in requests)
    embedded = run.embed(wanted)
    if not run.group.first:
        return {}
    found: dict[str, Evaluation] = {}
    for subset in subsets:
        # A metric looks its embeddings up by the request it made, which names no subset.
        seen = {request: embedded[_narrowed(request, tuple(subset))] for request in requests}
        found["+".join(subset)] = compute(run, following, seen)
    if store:
        _store_subsets(run, found)
    return found


def _store_subsets(run: TrainedRun, found: Mapping[str, Evaluation]) -> None:
    """Add the values of some subsets to those that the run folder already holds."""
    folder = run.folder
    new = {name: _stored(evaluation, run) for name, evaluation in found.items()}
    # two evaluations at once must not each write what they read before the other wrote
    with folder.updating(folder.views):
        write_json(folder.views, {**own_views(folder), **new})


def _stored(evaluation: Evaluation, run: TrainedRun) -> dict[str, Any]:
    """An evaluation as a run folder keeps it, with what it belongs to and what a reader of its values must know."""
    caveat = run.caveat
    return {**evaluation.as_json(), OF: values_of(run.folder), **({} if caveat is None else {NOTE: caveat})}


def all_subsets(modalities: Sequence[str]) -> list[Subset]:
    """Every subset of at least one modality, the smallest first.

    Example:
        >>> all_subsets(["a", "b"])
        [('a',), ('b',), ('a', 'b')]
    """
    subsets: list[Subset] = []
    for size in range(1, len(modalities) + 1):
        subsets += combinations(modalities, size)
    return subsets


def build_metric(config: Mapping[str, Any], modalities: Sequence[str], label: str | None = None) -> Metric:
    """Build a metric; what it needs of modalities and of the label is the run's unless the config names it."""
    given: dict[str, Any] = {"modalities": modalities} if needs_modalities(config) else {}
    part: type[Metric] = METRICS.get(config["type"])
    if label is not None and "label" in part.filled_in:
        given["label"] = label
    metric: Metric = METRICS.build(config, **given)
    return metric


def needs_modalities(config: Mapping[str, Any]) -> bool:
    """Whether a metric needs modalities that its config does not name."""
    part: type[Metric] = METRICS.get(config["type"])
    return part.needs_modalities and "modalities" not in config


def choose(configured: Mapping[str, Any], names: Sequence[str] | None, whose: str) -> dict[str, Mapping[str, Any]]:
    """Some of the configs under ``evaluation``, or all of them.

    Raises:
        ConfigError: a name that is not there; the message says ``whose`` config it is.
    """
    unknown = sorted(set(names or ()) - set(configured))
    if unknown:
        known = ", ".join(configured) or "none"
        raise UsageError([f"evaluation has no metric {', '.join(unknown)}; {whose} has: {known}"])
    return {name: config for name, config in configured.items() if not names or name in names}


def build_chosen(run: TrainedRun, names: Sequence[str] | None) -> dict[str, Metric]:
    known = run.model.backbone.modalities
    chosen = choose(run.config.evaluation, names, "the run's config")
    widths = {m: encoder.given for m, encoder in run.model.backbone.encoders.items()}
    metrics: dict[str, Metric] = {}
    with in_use(run.config.plugins):
        for name, config in chosen.items():
            metrics[name] = build_metric(config, known, run.config.data.label)
            space = baseline_space(config, widths)
            if space is not None and run.model.predicts is None:
                # what the given vectors score by themselves: what training must not fall below
                metrics[f"{name}_given"] = build_metric({**config, "space": space}, known)
    return metrics


def answerable_requests(metrics: Iterable[Metric], there: Mapping[str, int]) -> list[Request]:
    """The requests of the metrics whose splits the manifest has, each once."""
    # Not a set: processes that share the work go through the requests in one order.
    asked: dict[Request, None] = {}
    for metric in metrics:
        if _missing(metric, there) is None:
            asked |= dict.fromkeys(metric.requests())
    return list(asked)


def _is_open(metric: Metric) -> bool:
    """Whether no request of a metric for a split names modalities."""
    asks = False
    for request in metric.requests():
        if not request.samples:
            if request.modalities is not None:
                return False
            asks = True
    return asks


def _narrowed(request: Request, subset: Subset) -> Request:
    """The request limited to a subset of the modalities; items that a metric makes up keep theirs."""
    if request.modalities is not None or request.samples:
        return request
    return replace(request, modalities=tuple(sorted(subset)))


def compute(run: TrainedRun, metrics: Mapping[str, Metric], embedded: Mapping[Request, Embedded]) -> Evaluation:
    """Score every metric; one that the data do not suit is skipped with the reason."""
    there = run.data.manifest.split_sizes()
    results: dict[str, Result] = {}
    skipped: dict[str, str] = {}
    for name, metric in metrics.items():
        missing = _missing(metric, there)
        if missing is not None:
            skipped[name] = missing
            continue
        try:
            results[name] = metric.compute(embedded, run.config.seed)
        except DataError as error:  # one metric that does not suit the data must not cost the others
            skipped[name] = str(error)
    return Evaluation(results, skipped)


def _missing(metric: Metric, there: Mapping[str, int]) -> str | None:
    """Why a metric cannot run on the splits that are there; None if it can."""
    absent = sorted({request.split for request in metric.requests() if not request.samples} - set(there))
    return f"the manifest has no split {', '.join(absent)}" if absent else None


def _galleries(metrics: Mapping[str, Metric], embedded: Mapping[Request, Embedded], seed: int) -> dict[str, Any]:
    """What ``gallery.json`` holds: queries and hits of the first metrics that search, by name."""
    shown: dict[str, Any] = {}
    for name, metric in metrics.items():
        gallery = metric.sample_hits(embedded, seed)
        if gallery is not None:
            shown[name] = gallery.as_json()
        if len(shown) == GALLERIES:
            break
    return shown
