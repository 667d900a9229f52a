"""Figures of damaged items as curves: from names such as ``FIGURE|KIND=STRENGTH`` to strengths and what was found.

The names are those of :mod:`m5kit.evaluation.robustness`; a plugin's metric that names its figures so is shown as well.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"(?P<task>[^/]+)/(?P<figure>.+)\|(?P<kind>\w+)=(?P<strength>\d[\d.e+-]*)")


@dataclass(frozen=True, slots=True)
class Damage:
    """One figure of a task whose items are damaged more and more.

    Attributes:
        task: its name.
        figure: which of its figures.
        kind: of damage.
        strengths: the whole name of the figure by strength, from weak to strong.
    """

    task: str
    figure: str
    kind: str
    strengths: Mapping[float, str]

    @property
    def relative(self) -> str:
        """Name of the figure that says what is left on average; a run need not have it."""
        return f"{self.task}/{self.figure}|{self.kind}|relative"


def find_damages(names: Iterable[str], wanted: Sequence[str]) -> list[Damage]:
    """One figure for each task and kind: the first of the wanted that it has, else its last.

    Args:
        names: of all figures, ``TASK/FIGURE``.
        wanted: ``TASK/FIGURE``; the task does not count.

    Example:
        >>> names = [f"dark/{figure}|noise={s}" for figure in ("mrr", "map") for s in (2, 0.5)]
        >>> [(damage.figure, list(damage.strengths)) for damage in find_damages(names, ["coarse/mrr"])]
        [('mrr', [0.5, 2.0])]
    """
    found: dict[tuple[str, str], dict[str, dict[float, str]]] = {}
    for name in names:
        if match := _NAME.fullmatch(name):
            task, figure, kind, strength = match.groups()
            found.setdefault((task, kind), {}).setdefault(figure, {})[float(strength)] = name
    asked = [name.partition("/")[2] for name in wanted]
    return [_chosen(task, kind, figures, asked) for (task, kind), figures in found.items()]


def damage_curve(damage: Damage, estimate: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """What some runs found, as JSON data.

    Args:
        damage: to show.
        estimate: gives ``mean``, ``low``, ``high`` and ``chance`` of a figure, each None if nobody has it.
    """
    return {
        "task": damage.task,
        "figure": damage.figure,
        "kind": damage.kind,
        "curve": [{"strength": strength, **estimate(name)} for strength, name in damage.strengths.items()],
        "relative": dict(estimate(damage.relative)),
    }


def _chosen(task: str, kind: str, figures: Mapping[str, Mapping[float, str]], asked: Sequence[str]) -> Damage:
    """Metrics put their widest figure last."""
    figure = next((name for name in asked if name in figures), list(figures)[-1])
    return Damage(task, figure, kind, dict(sorted(figures[figure].items())))
