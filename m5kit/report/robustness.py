"""The picture of figures as items are damaged more and more: a panel a task and kind of damage, a line a variant."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from m5kit.report.study import damage_name
from m5kit.report.style import MOST_PANELS, as_png, bare, grid, line_style, one_legend, short_names

Damaged = Mapping[str, Any]
"""One entry of a row's ``damaged``: ``task``, ``figure``, ``kind`` and ``curve``, its points from weak to strong."""

INK = "#1d2329"


def draw_damage(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw strength across and the figure up, with the interval of the mean as a band and the chance level dotted.

    Args:
        rows: of a study, all with the same damages; a strength that a variant was not tried with is a gap.
    """
    labels = short_names(row["variant"] for row in rows)
    count = min(len(rows[0]["damaged"]), MOST_PANELS)
    figure, panels = grid(count)
    for number, axes in enumerate(panels):
        found = [row["damaged"][number] for row in rows]
        for line, (row, damaged) in enumerate(zip(rows, found, strict=True)):
            _line(axes, damaged["curve"], line, labels[row["variant"]])
        _chance(axes, found)
        axes.set_title(damage_name(found[0]), fontsize=10)
        if not any((point["mean"] or 0) < 0 for damaged in found for point in damaged["curve"]):
            axes.set_ylim(bottom=0)  # else a small loss looks like a large one
        bare(axes, "strength", found[0]["figure"])
    one_legend(figure, panels)
    return as_png(figure)


def _line(axes: Axes, curve: Sequence[Mapping[str, Any]], number: int, label: str) -> None:
    style = line_style(number)
    strengths, means = _columns(curve, "strength", "mean")
    axes.plot(strengths, means, label=label, marker="o", markersize=4, **style)
    strengths, low, high = _columns(curve, "strength", "low", "high")
    axes.fill_between(strengths, low, high, color=style["color"], alpha=0.15, linewidth=0)


def _chance(axes: Axes, found: Sequence[Damaged]) -> None:
    """Of the first variant that has one; the same items are searched by all, so it is that of all."""
    for damaged in found:
        strengths, chances = _columns(damaged["curve"], "strength", "chance")
        if strengths:
            axes.plot(strengths, chances, ":", color=INK, linewidth=1, label="chance")
            return


def _columns(curve: Sequence[Mapping[str, Any]], *keys: str) -> list[list[float]]:
    """The points that have all of these."""
    points = [point for point in curve if all(point[key] is not None for key in keys)]
    return [[point[key] for point in points] for key in keys]
