"""Finds metrics that could not run, and values that no metric gives, before hours of training go by."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from m5kit.config import RunConfig
from m5kit.evaluation.base import Metric
from m5kit.inference.evaluation import build_metric
from m5kit.plugins import in_use


def build_metrics(config: RunConfig) -> dict[str, Metric]:
    """The metrics of a config, for the modalities that it has encoders for.

    Raises:
        ConfigError: a metric refuses its arguments.
    """
    with in_use(config.plugins):
        # sorted, as a trained model has them, so that a metric gets the same modalities in both places
        modalities = sorted(config.encoders)
        return {name: build_metric(given, modalities, config.data.label) for name, given in config.evaluation.items()}


def metric_problems(config: RunConfig) -> Iterator[str]:
    """Metrics that ask for a modality which the model has no encoder for, a sentence each."""
    known = ", ".join(sorted(config.encoders))
    for name, missing in missing_modalities(config).items():
        yield (
            f"evaluation.{name}: asks for {', '.join(missing)}, and the model has {known}; "
            f"change the metric, or drop it with evaluation.{name}=none"
        )


def missing_modalities(config: RunConfig) -> dict[str, list[str]]:
    """By metric, the modalities that it asks for and the model has no encoder for; only metrics that lack some."""
    missing = {}
    for name, metric in build_metrics(config).items():
        absent = sorted(_modalities(metric) - set(config.encoders))
        if absent:
            missing[name] = absent
    return missing


def value_problems(config: RunConfig, wanted: Sequence[str]) -> dict[str, str]:
    """Values, as ``TASK/METRIC``, that no metric of the config gives, with a sentence each.

    A metric whose values are known only from the items is believed to give what is asked of it.
    """
    metrics = build_metrics(config)
    problems = {}
    for value in wanted:
        task, _, name = value.partition("/")
        names = metrics[task].value_names() if task in metrics else None
        if task not in metrics:
            problems[value] = f"metrics: {value}: evaluation has no task {task!r}; {_nearest(task, list(metrics))}"
        elif names is not None and name not in names:
            problems[value] = f"metrics: {value}: the task {task} gives no {name!r}; {_nearest(name, names)}"
    return problems


def _modalities(metric: Metric) -> set[str]:
    """All that a metric names: those that are seen, those that are corrupted, and those of items that it makes up."""
    named: set[str] = set()
    for request in metric.requests():
        named.update(request.modalities or ())
        if request.corruption is not None and request.corruption.modality is not None:
            named.add(request.corruption.modality)
    return named


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    plain = [each for each in known if "|" not in each] or known  # those of pairs and corruptions are very many
    return f"there are: {', '.join(plain) or 'none'}"
