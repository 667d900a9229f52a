"""The metrics of a loaded run: those of its config, or new ones."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from m5kit.config.reader import write_inline
from m5kit.data.remote.place import Place, local_folder
from m5kit.errors import UsageError
from m5kit.inference.evaluation import Evaluation, evaluate, evaluate_subsets
from m5kit.inference.run_metrics import with_metrics
from m5kit.inference.trained_run import TrainedRun
from m5kit.public.forward import require_names

log = logging.getLogger("m5kit")

Metrics: TypeAlias = Sequence[str] | Mapping[str, Mapping[str, Any]]
"""Names of metrics in a config, or new metrics by name, each a ``type`` and its arguments."""


def evaluate_run(
    trained: TrainedRun, metrics: Metrics | None, modalities: Sequence[str] | None, data: Place | None, store: bool
) -> Evaluation:
    """Run metrics; :meth:`m5kit.public.run.Run.evaluate` says what the arguments mean.

    Raises:
        ConfigError: mistakes in the metrics or an unknown one; a part of the run's results is to be stored.
    """
    if store and (metrics is not None or data is not None):
        raise UsageError(["store: only all metrics on the run's own items can replace its results"])
    if isinstance(metrics, str):
        raise UsageError([f"metrics: expected a list such as [{metrics!r}], got a text"])
    if metrics is not None and not (isinstance(metrics, Iterable) and all(isinstance(name, str) for name in metrics)):
        raise UsageError([f"metrics: expected a list of names, got {metrics!r}"])
    if metrics is not None and not list(metrics):
        raise UsageError(["metrics: name at least one, or leave it out for all"])
    require_names(modalities)
    if isinstance(metrics, Mapping):
        trained = with_metrics(trained, [f"evaluation.{name}={write_inline(each)}" for name, each in metrics.items()])
    if data is not None:
        trained = _with_items(trained, data)
    elif trained.changed_items:
        log.warning("%s; the values are those of the items as they are now", trained.changed_items)
    names = None if metrics is None else list(metrics)
    if modalities is None:
        return evaluate(trained, names, store=store)
    return evaluate_subsets(trained, [modalities], names, store=store).popitem()[1]


def _with_items(trained: TrainedRun, root: Place) -> TrainedRun:
    """The run with the items of another folder."""
    config = replace(trained.config, data=trained.config.data.model_copy(update={"root": str(root)}))
    data = replace(trained.data, config=config, root=local_folder(root))
    return replace(trained, config=config, data=data)
