"""Metric values under corruption as curves: from names such as ``METRIC|KIND=STRENGTH`` to strengths and estimates.

The names are those of :mod:`m5kit.evaluation.robustness`; a plugin's metric that uses the same form is shown as well.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from m5kit.runs.study import CorruptionCurve, CorruptionPoint, Estimate

_NAME = re.compile(r"(?P<task>[^/]+)/(?P<metric>.+)\|(?P<kind>\w+)=(?P<strength>\d[\d.e+-]*)")


@dataclass(frozen=True, slots=True)
class CorruptionSeries:
    """One metric of a task whose items are corrupted more and more.

    Attributes:
        task: its name.
        metric: which of its metrics.
        kind: of corruption.
        strengths: the whole name of the metric by strength, from weak to strong.
    """

    task: str
    metric: str
    kind: str
    strengths: Mapping[float, str]

    @property
    def relative(self) -> str:
        """Name of the mean over strengths relative to the clean value; a run need not have it."""
        return f"{self.task}/{self.metric}|{self.kind}|relative"


def find_corruptions(names: Iterable[str], wanted: Sequence[str]) -> list[CorruptionSeries]:
    """One metric for each task and kind: the first of the wanted that it has, else its last.

    Args:
        names: of all metrics, ``TASK/METRIC``.
        wanted: ``TASK/METRIC``; the task does not count.

    Example:
        >>> names = [f"dark/{metric}|noise={s}" for metric in ("mrr", "map") for s in (2, 0.5)]
        >>> [(series.metric, list(series.strengths)) for series in find_corruptions(names, ["coarse/mrr"])]
        [('mrr', [0.5, 2.0])]
    """
    found: dict[tuple[str, str], dict[str, dict[float, str]]] = {}
    for name in names:
        if match := _NAME.fullmatch(name):
            task, metric, kind, strength = match.groups()
            metrics = found.setdefault((task, kind), {})
            metrics.setdefault(metric, {})[float(strength)] = name
    series = []
    for (task, kind), metrics in found.items():
        metric = _first_wanted(wanted, list(metrics))
        # by strength: a config may list strengths in any order, and a curve runs from weak to strong
        series.append(CorruptionSeries(task, metric, kind, dict(sorted(metrics[metric].items()))))
    return series


def _first_wanted(wanted: Sequence[str], metrics: Sequence[str]) -> str:
    for name in wanted:
        metric = name.partition("/")[2]
        if metric in metrics:
            return metric
    return metrics[-1]  # metrics put their widest cut-off last, as in recall@1, recall@5, recall@10


def corruption_curve(series: CorruptionSeries, estimate: Callable[[str], Estimate]) -> CorruptionCurve:
    """What some runs found.

    Args:
        series: to show.
        estimate: gives what the runs say about a metric, by its whole name.
    """
    points: dict[float, CorruptionPoint] = {}
    for strength, name in series.strengths.items():
        points[strength] = CorruptionPoint(strength=strength, **asdict(estimate(name)))
    return CorruptionCurve(
        task=series.task,
        metric=series.metric,
        kind=series.kind,
        curve=list(points.values()),
        relative=estimate(series.relative),
    )
