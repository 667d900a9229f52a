"""The picture of metric values under corruption: a panel for each task and kind of corruption, a line a variant."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from m5kit.report.study_tables import corruption_name
from m5kit.report.style import DARK, MOST_PANELS, SeriesStyle, as_png, bare, drawing, grid, one_legend
from m5kit.runs.study import CorruptionCurve, CorruptionPoint, StudyRow


@drawing()
def draw_corruption(rows: Sequence[StudyRow], styles: Mapping[str, SeriesStyle]) -> bytes:
    """Draw strength across and the metric up, with the interval of the mean as a band and the chance level dotted.

    Args:
        rows: of a study, all with the same corruptions; a strength that a variant was not tried with is a gap.
        styles: by variant.
    """
    figure, panels = grid(min(len(rows[0].corrupted), MOST_PANELS))
    for number, axes in enumerate(panels):
        found = {}
        for row in rows:
            found[row.variant] = row.corrupted[number]
        _panel(axes, found, styles)
    one_legend(figure, panels)
    return as_png(figure)


def _panel(axes: Axes, found: Mapping[str, CorruptionCurve], styles: Mapping[str, SeriesStyle]) -> None:
    for variant, corrupted in found.items():
        _line(axes, corrupted.curve, styles[variant])
    _chance(axes, list(found.values()))
    first = next(iter(found.values()))
    axes.set_title(corruption_name(first), fontsize=10)
    if min(map(_least, found.values())) >= 0:
        axes.set_ylim(bottom=0)  # else a small loss looks like a large one
    bare(axes, "strength", first.metric)


def _least(corrupted: CorruptionCurve) -> float:
    return min(_columns(corrupted.curve, "mean")[0], default=0.0)


def _line(axes: Axes, curve: Sequence[CorruptionPoint], style: SeriesStyle) -> None:
    strengths, means = _columns(curve, "strength", "mean")
    axes.plot(strengths, means, marker="o", markersize=4, **style.line)
    # read anew: a strength with a single seed has a mean and no interval
    strengths, low, high = _columns(curve, "strength", "low", "high")
    axes.fill_between(strengths, low, high, color=style.colour, alpha=0.15, linewidth=0)


def _chance(axes: Axes, found: Sequence[CorruptionCurve]) -> None:
    """Of the first variant that has one; the same items are searched by all, so it is that of all."""
    for corrupted in found:
        strengths, chances = _columns(corrupted.curve, "strength", "chance")
        if strengths:
            axes.plot(strengths, chances, ":", color=DARK, linewidth=1, label="chance")
            return


def _columns(curve: Sequence[CorruptionPoint], *names: str) -> list[list[float]]:
    """These attributes of the points that have all of them."""
    columns: list[list[float]] = [[] for _ in names]
    for point in curve:
        values = [getattr(point, name) for name in names]
        if None not in values:
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    return columns
