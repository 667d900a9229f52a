"""Runs the downstream tasks of a config on embeddings in a file; there is no model, and no item is opened."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from m5kit.config import load_config
from m5kit.config.parts import find_parts, part_problems
from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Metric, Request, Result
from m5kit.inference.evaluation import Evaluation, needs_modalities
from m5kit.registry import METRICS

SPLIT = "split"
"""The label that says which split an item of the file belongs to; ``m5kit embed`` writes it."""


def evaluate_file(
    path: Path, config: str | Path, tasks: Sequence[str] | None = None, overrides: Sequence[str] = ()
) -> Evaluation:
    """Run those downstream tasks that need one embedding an item, whatever made it; the others are skipped.

    Args:
        path: a features file with ``id``, ``vector``, ``label_split`` and a column ``label_NAME`` for each label.
        config: a config whose ``evaluation`` names the tasks; nothing else in it is used but ``seed``.
        tasks: names of some of them; None for all.
        overrides: as for :func:`~m5kit.config.load_config`.

    Raises:
        ConfigError: a mistake in the tasks, or an unknown one.
        DataError: the file cannot be read.
    """
    values = load_config(config, overrides).values
    metrics = _metrics(values.get("evaluation") or {}, tasks)
    items = Embedded.load(path)
    results: dict[str, Result] = {}
    skipped: dict[str, str] = {}
    for name, metric in metrics.items():
        if isinstance(metric, str):
            skipped[name] = metric
            continue
        try:
            embedded = {request: _answer(items, request, metric) for request in metric.requests()}
            results[name] = metric.compute(embedded, values["seed"])
        except DataError as error:  # one task that does not fit the file costs none of the others
            skipped[name] = str(error)
    return Evaluation(results, skipped)


def _metrics(configured: Mapping[str, Any], tasks: Sequence[str] | None) -> dict[str, Metric | str]:
    """Metrics by name, or why one cannot be built without a run."""
    unknown = sorted(set(tasks or ()) - set(configured))
    if unknown:
        known = ", ".join(configured) or "none"
        raise ConfigError([f"evaluation has no task {', '.join(unknown)}; the config has: {known}"])
    chosen = {name: config for name, config in configured.items() if not tasks or name in tasks}
    parts = list(find_parts({"evaluation": chosen}))
    problems = [f"{key}: {text}" for part in parts for key, text in part_problems(part)]
    if problems:
        raise ConfigError(problems)
    return {name: METRICS.build(c) if _buildable(c) else _ONLY_A_RUN for name, c in chosen.items()}


_ONLY_A_RUN = "a features file holds one embedding an item; this task needs several, so evaluate the run"


def _buildable(config: Mapping[str, Any]) -> bool:
    """Whether the metric can do without knowing the modalities of a run."""
    return "modalities" in config or not needs_modalities(config)


def _answer(items: Embedded, request: Request, metric: Metric) -> Embedded:
    """The items of the split.

    Raises:
        DataError: the request is for something that a file does not hold.
    """
    if request.modalities is not None or request.change is not None or request.properties or request.samples:
        raise DataError(_ONLY_A_RUN)
    if SPLIT not in items.labels:
        if len({each.split for each in metric.requests()}) == 1:
            return items
        raise DataError("the task compares splits and the file has no column label_split; m5kit embed writes it")
    found = items.where(SPLIT, request.split)
    if not len(found):
        raise DataError(f"the file has no item of split {request.split}")
    return found
