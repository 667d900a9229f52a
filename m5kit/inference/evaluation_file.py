"""Runs the metrics of a config on embeddings in a file, without a model and without opening an item."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from m5kit.config import load_config
from m5kit.config.parts import find_parts, part_problems
from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Metric, Request, Result
from m5kit.inference.evaluation import Evaluation, choose, needs_modalities
from m5kit.plugins import in_use
from m5kit.registry import METRICS

SPLIT = "split"
"""The label that says which split an item of the file belongs to; ``m5kit embed`` writes it."""


def evaluate_file(
    path: Path, config: str | Path, metrics: Sequence[str] | None = None, overrides: Sequence[str] = ()
) -> Evaluation:
    """Run those metrics that need one embedding an item, whatever made it; the others are skipped.

    Args:
        path: a features file with ``id``, ``vector``, ``label_split`` and a column ``label_NAME`` for each label.
        config: a config whose ``evaluation`` names the metrics; only that section and ``seed`` are used.
        metrics: names of some of them; None for all.
        overrides: as for :func:`~m5kit.config.load_config`.

    Raises:
        ConfigError: a mistake in the metrics, or an unknown one.
        DataError: the file cannot be read.
    """
    resolved = load_config(config, overrides)
    values = resolved.values
    with in_use(resolved.plugins):
        built = _metrics(values.get("evaluation") or {}, metrics)
    items = Embedded.load(path)
    results: dict[str, Result] = {}
    skipped: dict[str, str] = {}
    for name, metric in built.items():
        if isinstance(metric, str):
            skipped[name] = metric
            continue
        try:
            embedded = {request: _answer(items, request, metric) for request in metric.requests()}
            results[name] = metric.compute(embedded, values["seed"])
        except DataError as error:  # one metric that does not suit the file must not cost the others
            skipped[name] = str(error)
    return Evaluation(results, skipped)


def _metrics(configured: Mapping[str, Any], names: Sequence[str] | None) -> dict[str, Metric | str]:
    """Metrics by name, or why one cannot be built without a run."""
    chosen = choose(configured, names, "the config")
    problems = []
    for part in find_parts({"evaluation": chosen}):
        for key, text in part_problems(part):
            problems.append(f"{key}: {text}")
    if problems:
        raise ConfigError(problems)
    built: dict[str, Metric | str] = {}
    for name, settings in chosen.items():
        # Only a run knows its modalities; a file of finished embeddings does not.
        built[name] = _ONLY_A_RUN if needs_modalities(settings) else METRICS.build(settings)
    return built


_ONLY_A_RUN = "a features file holds one embedding an item; this metric needs several, so evaluate the run"


def _answer(items: Embedded, request: Request, metric: Metric) -> Embedded:
    """The items of the split.

    Raises:
        DataError: the request is for something that a file does not hold.
    """
    if request.modalities is not None or request.corruption is not None or request.properties or request.samples:
        raise DataError(_ONLY_A_RUN)
    if SPLIT not in items.labels:
        # Without a split column the file counts as the one split that the metric asks for.
        if len({each.split for each in metric.requests()}) == 1:
            return items
        raise DataError("the metric compares splits and the file has no column label_split; m5kit embed writes it")
    found = items.where(SPLIT, request.split)
    if not len(found):
        raise DataError(f"the file has no item of split {request.split}")
    return found
