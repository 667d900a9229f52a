"""From the metric values of single runs to what they say together: the study that a report shows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from m5kit.ablation.corruption import CorruptionSeries, corruption_curve, find_corruptions
from m5kit.ablation.factors import factor_effects
from m5kit.ablation.outcomes import Found, RunOutcome
from m5kit.ablation.statistics import (
    all_equal,
    bootstrap_interval,
    holm,
    paired_permutation,
    paired_t,
    student_interval,
)
from m5kit.ablation.study_notes import Groups, RunsBySeed, study_notes
from m5kit.evaluation.functional.averages import finite_mean
from m5kit.runs.study import (
    CorruptionCurve,
    Cost,
    Difference,
    Estimate,
    Interval,
    SeedValues,
    Study,
    StudyProgress,
    StudyRow,
)

CONFIDENCE = 0.95
FEW_SUBSETS = 8
"""More subsets than this are a picture, not a family of tests: they are not compared with the reference."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a study asks of its runs.

    Attributes:
        title: of the report.
        about: one sentence below it; may be empty.
        metrics: ``TASK/METRIC``; the first is the one that plots show.
        reference: the variant that the others are compared with; empty for the first.
        interval: ``student`` or ``bootstrap``.
        test: ``permutation`` or ``t``.
    """

    title: str
    about: str
    metrics: Sequence[str]
    reference: str = ""
    interval: str = "student"
    test: str = "permutation"


def analyse(found: Found, question: Question) -> Study:
    """Compute the study.

    Every row is a variant seen with one modality subset. It is compared, seed by seed, with the reference seen with the
    same subset; a subset of the reference, with the reference as its config says. Holm's correction is over the rows,
    for each metric. Of more than :data:`FEW_SUBSETS` subsets none is compared. What was found under corruption is in
    every row that is seen as its config says, whether the question names such metrics or not.

    Args:
        found: outcomes in the order of the report.
        question: what to compute of them.
    """
    groups = _grouped(found.outcomes)
    reference = question.reference or next((variant for variant, _ in groups), "")
    subsets = {subset for _, subset in groups}
    compared = len(subsets - {""}) <= FEW_SUBSETS
    rows = _rows(groups, reference, compared, list(found.metrics), question)
    notes = [*found.notes, *study_notes(groups, rows, question.metrics)]
    return Study(
        title=question.title,
        about=question.about,
        metrics=list(question.metrics),
        reference=reference,
        confidence=CONFIDENCE,
        interval=question.interval,
        test=question.test,
        subsets_compared=compared,
        rows=rows,
        factors=factor_effects(
            [row for row in rows if not row.subset], question.metrics, lambda values: _interval(values, question)
        ),
        failed=list(found.failed),
        progress=StudyProgress(done=_count_runs(found.outcomes), failed=len(found.failed), left=found.left),
        notes=notes,
    )


def _rows(groups: Groups, reference: str, compared: bool, names: Sequence[str], question: Question) -> list[StudyRow]:
    differences = {}
    for metric in question.metrics:
        differences[metric] = _differences(metric, groups, reference, compared, question)
    corruptions = find_corruptions(names, question.metrics)
    rows = []
    for (variant, subset), runs in groups.items():
        metrics = {}
        for metric in question.metrics:
            difference = differences[metric].get((variant, subset))
            metrics[metric] = _seed_values(metric, runs, difference, question)
        seeds = sorted(runs)
        paths, origins = [], []
        for seed in seeds:
            paths.append(runs[seed].run)
            origins.append(runs[seed].origin)
        row = StudyRow(variant=variant, subset=subset, seeds=seeds, runs=paths, metrics=metrics)
        # training is the same whatever the model is shown later, so cost and origin stand in one row a variant
        if not subset:
            row = replace(
                row,
                cost=_cost(list(runs.values())),
                corrupted=_corrupted(corruptions, runs, question),
                origins=origins,
            )
        rows.append(row)
    return rows


def _grouped(outcomes: Sequence[RunOutcome]) -> Groups:
    groups: dict[tuple[str, str], dict[int, RunOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.variant, outcome.subset), {})[outcome.seed] = outcome
    return groups


def _differences(
    metric: str, groups: Groups, reference: str, compared: bool, question: Question
) -> dict[tuple[str, str], Difference]:
    """Those of all rows that share a seed with what they are compared with, corrected for their number."""
    found: dict[tuple[str, str], Difference] = {}
    for (variant, subset), runs in groups.items():
        if subset and not compared:
            continue
        # a subset of the reference has no like to be compared with but the reference itself
        against = (reference, subset if variant != reference else "")
        if against == (variant, subset) or against not in groups:
            continue
        difference = _difference(_values(metric, runs), _values(metric, groups[against]), question)
        if difference is not None:
            found[variant, subset] = difference
    return _holm_corrected(found)


def _difference(mine: Mapping[int, float], theirs: Mapping[int, float], question: Question) -> Difference | None:
    """Of the seeds that both have; None if there are none."""
    # runs of one seed share their initial weights and batches where they can: paired, this common part cancels
    pairs = [mine[seed] - theirs[seed] for seed in mine if seed in theirs]
    if not pairs:
        return None
    if question.test == "t":
        # equal differences have no spread to test against: p would be 0, as if there were no doubt
        p = None if all_equal(pairs) and pairs[0] != 0 else paired_t(pairs)
    else:
        p = paired_permutation(pairs)
    interval = _interval(pairs, question)
    return Difference(pairs=len(pairs), mean=interval.mean, low=interval.low, high=interval.high, p=p)


def _holm_corrected(differences: Mapping[tuple[str, str], Difference]) -> dict[tuple[str, str], Difference]:
    corrected = dict(differences)
    tested = {}
    for row, difference in differences.items():
        if difference.p is not None:
            tested[row] = difference.p
    for row, p in zip(tested, holm(list(tested.values())), strict=True):
        corrected[row] = replace(differences[row], holm=p)
    return corrected


def _seed_values(metric: str, runs: RunsBySeed, difference: Difference | None, question: Question) -> SeedValues:
    values = _values(metric, runs)
    estimate = _estimate(metric, runs, question)
    return SeedValues(
        mean=estimate.mean,
        low=estimate.low,
        high=estimate.high,
        chance=estimate.chance,
        values=values,
        difference=difference,
        counts=_counts(metric, values, runs),
    )


def _counts(metric: str, values: Mapping[int, float], runs: RunsBySeed) -> dict[int, int]:
    counts = {}
    for seed in values:
        count = runs[seed].scores[metric].get("count")
        if count is not None:  # an old run left it out
            counts[seed] = count
    return counts


def _estimate(metric: str, runs: RunsBySeed, question: Question) -> Estimate:
    interval = _interval(list(_values(metric, runs).values()), question)
    chance = finite_mean(outcome.scores.get(metric, {}).get("chance") for outcome in runs.values())
    return Estimate(mean=interval.mean, low=interval.low, high=interval.high, chance=chance)


def _corrupted(corruptions: Sequence[CorruptionSeries], runs: RunsBySeed, question: Question) -> list[CorruptionCurve]:
    return [corruption_curve(series, lambda name: _estimate(name, runs, question)) for series in corruptions]


def _values(metric: str, runs: RunsBySeed) -> dict[int, float]:
    """The finite values by seed, in the order of the seeds."""
    values = {}
    for seed in sorted(runs):
        value = runs[seed].scores.get(metric, {}).get("value")
        if value is not None and math.isfinite(value):
            values[seed] = value
    return values


def _interval(values: Sequence[float], question: Question) -> Interval:
    if not values:
        return Interval()
    if all_equal(values):
        # they would give an interval of width 0, as if the mean were certain; they only say that the seed changes
        # nothing that this metric can resolve
        return Interval(mean=values[0])
    if question.interval == "student":
        return student_interval(values, CONFIDENCE)
    # a fixed seed: a report that is written again must show the same interval
    return bootstrap_interval(values, seed=0, confidence=CONFIDENCE)


def _cost(outcomes: Sequence[RunOutcome]) -> Cost:
    seconds = [outcome.status.seconds for outcome in outcomes if outcome.status.seconds is not None]
    memory = [outcome.status.memory for outcome in outcomes if outcome.status.memory is not None]
    sizes = [outcome.status.parameters for outcome in outcomes if outcome.status.parameters is not None]
    # the most memory and not the mean: what a machine must have so that every seed fits
    return Cost(seconds=_range(seconds), memory=max(memory, default=None), parameters=max(sizes, default=None))


def _range(seconds: Sequence[float]) -> Interval:
    """Mean, least and most: seconds are a sample of nothing but the load of the machine, so no interval fits."""
    if len(seconds) < 2:
        return Interval(mean=finite_mean(seconds))
    return Interval(mean=finite_mean(seconds), low=min(seconds), high=max(seconds))


def _count_runs(outcomes: Sequence[RunOutcome]) -> int:
    return len({(outcome.variant, outcome.seed) for outcome in outcomes})
