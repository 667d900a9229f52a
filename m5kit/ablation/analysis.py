"""From the figures of single runs to what they say together: the study that a report shows, as JSON data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from m5kit.ablation.damage import Damage, damage_curve, find_damages
from m5kit.ablation.outcomes import Found, Outcome
from m5kit.ablation.statistics import (
    Interval,
    bootstrap_interval,
    holm,
    paired_permutation,
    paired_t,
    student_interval,
)

CONFIDENCE = 0.95
FEW_VIEWS = 8
"""More views than this are a picture, not a family of tests: they are not compared with the reference."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a study asks of its runs.

    Attributes:
        title: of the report.
        about: one sentence below it; may be empty.
        figures: ``TASK/FIGURE``; the first is the one that plots show.
        reference: the variant that the others are compared with; empty for the first.
        interval: ``student`` or ``bootstrap``.
        test: ``permutation`` or ``t``.
    """

    title: str
    about: str
    figures: Sequence[str]
    reference: str = ""
    interval: str = "student"
    test: str = "permutation"


def analyse(found: Found, question: Question) -> dict[str, Any]:
    """The study.

    Every row is a variant seen in one way. It is compared, seed by seed, with the reference seen in the same way; the
    reference seen in part, with the reference as its config says. Holm's correction is over the rows, for each figure.
    Of more than :data:`FEW_VIEWS` views none is compared. What was found as items are damaged is in every row that is
    seen as its config says, whether the question names such figures or not.

    Args:
        found: outcomes in the order of the report.
        question: what to compute of them.
    """
    groups = _grouped(found.outcomes)
    reference = question.reference or next((variant for variant, _ in groups), "")
    compared = len({view for _, view in groups if view}) <= FEW_VIEWS
    damages = find_damages(dict.fromkeys(name for o in found.outcomes for name in o.scores), question.figures)
    rows = [
        _row(variant, view, groups, reference if compared or not view else None, question)
        | {"damaged": [] if view else _damaged(damages, groups[variant, view], question)}
        for variant, view in groups
    ]
    for figure in question.figures:
        _correct([row["figures"][figure]["difference"] for row in rows])
    return {
        "title": question.title,
        "about": question.about,
        "figures": list(question.figures),
        "reference": reference,
        "confidence": CONFIDENCE,
        "interval": question.interval,
        "test": question.test,
        "views_compared": compared,
        "rows": rows,
        "failed": [dict(failure) for failure in found.failed],
        "progress": {"done": _runs(found.outcomes), "failed": len(found.failed), "left": found.left},
        "notes": [*found.notes, *_missing(found.outcomes, question.figures)],
    }


Groups = Mapping[tuple[str, str], Mapping[int, Outcome]]
"""Outcomes by variant and view, then by seed."""


def _grouped(outcomes: Sequence[Outcome]) -> Groups:
    groups: dict[tuple[str, str], dict[int, Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.variant, outcome.view), {})[outcome.seed] = outcome
    return groups


def _row(variant: str, view: str, groups: Groups, reference: str | None, question: Question) -> dict[str, Any]:
    """A row; without a reference it is compared with nothing."""
    mine = groups[variant, view]
    against = None if reference is None else (reference, view if variant != reference else "")
    theirs = groups.get(against, {}) if against is not None and against != (variant, view) else {}
    return {
        "variant": variant,
        "view": view,
        "seeds": sorted(mine),
        "runs": [mine[seed].run for seed in sorted(mine)],
        "figures": {figure: _figure(figure, mine, theirs, question) for figure in question.figures},
        "cost": _cost(list(mine.values())) if not view else None,
    }


def _figure(figure: str, mine: Mapping[int, Outcome], theirs: Mapping[int, Outcome], question: Question) -> Any:
    values = _values(figure, mine)
    return {
        "values": {str(seed): value for seed, value in values.items()},
        **_estimate(figure, mine, question),
        "difference": _difference(values, _values(figure, theirs), question),
    }


def _estimate(figure: str, outcomes: Mapping[int, Outcome], question: Question) -> dict[str, float | None]:
    chances = [chance for o in outcomes.values() if (chance := o.scores.get(figure, {}).get("chance")) is not None]
    return {
        **_interval(list(_values(figure, outcomes).values()), question),
        "chance": sum(chances) / len(chances) if chances else None,
    }


def _damaged(damages: Sequence[Damage], outcomes: Mapping[int, Outcome], question: Question) -> list[dict[str, Any]]:
    return [damage_curve(damage, lambda name: _estimate(name, outcomes, question)) for damage in damages]


def _values(figure: str, outcomes: Mapping[int, Outcome]) -> dict[int, float]:
    values = {seed: outcomes[seed].scores.get(figure, {}).get("value") for seed in sorted(outcomes)}
    return {seed: value for seed, value in values.items() if value is not None}


def _difference(mine: Mapping[int, float], theirs: Mapping[int, float], question: Question) -> Any:
    """Of the seeds that both have; None if there are none."""
    pairs = [mine[seed] - theirs[seed] for seed in mine if seed in theirs]
    if not pairs:
        return None
    p = paired_t(pairs) if question.test == "t" else paired_permutation(pairs)
    return {"pairs": len(pairs), **_interval(pairs, question), "p": p, "holm": None}


def _interval(values: Sequence[float], question: Question) -> dict[str, float | None]:
    if not values:
        return {"mean": None, "low": None, "high": None}
    found: Interval = (
        student_interval(values, CONFIDENCE)
        if question.interval == "student"
        else bootstrap_interval(values, seed=0, confidence=CONFIDENCE)
    )
    return asdict(found)


def _correct(differences: Sequence[dict[str, Any] | None]) -> None:
    tested = [difference for difference in differences if difference and difference["p"] is not None]
    for difference, corrected in zip(tested, holm([difference["p"] for difference in tested]), strict=True):
        difference["holm"] = corrected


def _cost(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    memory = [o.status.memory for o in outcomes if o.status.memory is not None]
    sizes = [o.status.parameters for o in outcomes if o.status.parameters is not None]
    return {
        "seconds": _range([o.status.seconds for o in outcomes if o.status.seconds is not None]),
        "memory": max(memory, default=None),
        "parameters": max(sizes, default=None),
    }


def _range(seconds: Sequence[float]) -> dict[str, float | None]:
    """Mean, least and most: seconds are a sample of nothing but the load of the machine, so no interval fits."""
    if not seconds:
        return {"mean": None, "low": None, "high": None}
    several = len(seconds) > 1
    return {
        "mean": sum(seconds) / len(seconds),
        "low": min(seconds) if several else None,
        "high": max(seconds) if several else None,
    }


def _runs(outcomes: Sequence[Outcome]) -> int:
    return len({(outcome.variant, outcome.seed) for outcome in outcomes})


def _missing(outcomes: Sequence[Outcome], figures: Sequence[str]) -> Iterator[str]:
    there = {name for outcome in outcomes for name in outcome.scores}
    for figure in figures:
        if outcomes and figure not in there:
            plain = {name for name in there if "|" not in name}  # those of pairs and damages are very many
            listed = sorted(there if "|" in figure or not plain else plain)
            yield f"No run has the figure {figure}; there are: {', '.join(listed) or 'none'}."
