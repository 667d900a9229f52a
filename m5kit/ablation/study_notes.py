"""Sentences that a reader of a study must know: missing metrics, values that are left out, means without interval."""

import math
from collections.abc import Iterator, Mapping, Sequence

from m5kit.ablation.outcomes import RunOutcome
from m5kit.ablation.statistics import all_equal
from m5kit.runs.study import StudyRow

RunsBySeed = Mapping[int, RunOutcome]
Groups = Mapping[tuple[str, str], RunsBySeed]
"""The runs of each variant and modality subset."""


def study_notes(groups: Groups, rows: Sequence[StudyRow], metrics: Sequence[str]) -> Iterator[str]:
    """The notes of a study, one sentence each.

    Args:
        groups: the runs.
        rows: what was computed of them.
        metrics: that the study asks for.
    """
    yield from _missing(groups, metrics)
    yield from _not_finite(groups, metrics)
    yield from _equal_seeds(rows)


def _missing(groups: Groups, metrics: Sequence[str]) -> Iterator[str]:
    """Notes about metrics that no run has."""
    # over all runs: a metric that only one variant lacks, as a baseline without a task, is no mistake
    names: set[str] = set()
    for runs in groups.values():
        for outcome in runs.values():
            names.update(outcome.scores)
    for metric in metrics:
        if groups and metric not in names:
            plain = [name for name in names if "|" not in name]  # those of pairs and corruptions are very many
            listed = sorted(names if "|" in metric or not plain else plain)
            yield f"No run has the metric {metric}; there are: {', '.join(listed) or 'none'}."


def _not_finite(groups: Groups, metrics: Sequence[str]) -> Iterator[str]:
    """Notes about values that are left out of every mean."""
    for (variant, subset), runs in groups.items():
        for metric in metrics:
            bad = 0
            for outcome in runs.values():
                value = outcome.scores.get(metric, {}).get("value")
                bad += value is not None and not math.isfinite(value)
            if bad:
                name = f"{variant} ({subset})" if subset else variant
                yield f"{metric} of {name} is NaN or infinite in {bad} of {len(runs)} runs, which are left out."


def _equal_seeds(rows: Sequence[StudyRow]) -> Iterator[str]:
    """A note about means that have no interval although there are several runs."""
    for row in rows:
        for summary in row.metrics.values():
            if all_equal(list(summary.values.values())):
                yield (
                    "Where all seeds gave exactly the same value, no interval is given: it would look certain and is "
                    "not."
                )
                return  # one note for the whole study
