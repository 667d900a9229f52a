"""The picture of a metric over every choice of modalities that a model may see: the choices as columns of dots."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from m5kit.evaluation.functional.averages import finite_mean
from m5kit.report.style import DARK, PALE, SeriesStyle, as_png, bare, drawing, ink, panels
from m5kit.runs.study import StudyRow

Styles = Mapping[str, SeriesStyle]
"""By variant, the same in every picture of a study."""

FEW = 4
"""Variants that are drawn as points with intervals; more are rows of colours."""


@drawing()
def draw_subsets(rows: Sequence[StudyRow], name: str, styles: Styles) -> bytes:
    """Draw one column a subset, few modalities first and, of one size, the best first.

    Args:
        rows: of a study; those that see what their config says are left out.
        name: the metric, ``TASK/METRIC``.
        styles: by variant.
    """
    seen, variants = [], []
    for row in rows:
        if row.subset:
            seen.append(row)
            if row.variant not in variants:
                variants.append(row.variant)
    means = _means(seen, name)
    order = sorted(means, key=lambda subset: (subset.count("+"), -means[subset], subset))
    modalities = _by_worth(means)
    height = 2.6 if len(variants) <= FEW else 0.34 * len(variants) + 0.3
    heights = [height, 0.26 * len(modalities)]
    size = (0.33 * len(order) + 2.4, sum(heights) + 0.9)
    figure, ((top,), (below,)) = panels(2, 1, size, height_ratios=heights, sharex=True)
    if len(variants) <= FEW:
        _points(top, seen, variants, order, name, styles)
    else:
        _colours(top, seen, variants, order, name, styles)
    _matrix(below, order, modalities)
    sizes = [subset.count("+") for subset in order]
    for border in np.flatnonzero(np.diff(sizes)):
        for axes in (top, below):
            axes.axvline(border + 0.5, color=PALE, linewidth=1, zorder=0)
    return as_png(figure)


def _means(rows: Sequence[StudyRow], name: str) -> dict[str, float]:
    """Mean over variants by subset; where nothing was found, below everything."""
    found: dict[str, list[float | None]] = {}
    for row in rows:
        found.setdefault(row.subset, []).append(row.metrics[name].mean)
    means = {}
    for subset, values in found.items():
        mean = finite_mean(values)
        means[subset] = -1.0 if mean is None else mean
    return means


def _by_worth(means: Mapping[str, float]) -> list[str]:
    """The modalities, the one that alone does best first."""
    modalities = set("+".join(means).split("+"))
    # a subset of one modality has its name; the name also decides between equals, as a set has no order
    return sorted(modalities, key=lambda modality: (-means.get(modality, 0.0), modality))


def _points(
    axes: Axes, rows: Sequence[StudyRow], variants: Sequence[str], order: Sequence[str], name: str, styles: Styles
) -> None:
    """Dots with intervals, the variants of a column side by side."""
    for row in rows:
        number, found, style = variants.index(row.variant), row.metrics[name], styles[row.variant]
        # variants stand side by side, so that equal points do not hide each other
        x = order.index(row.subset) + 0.16 * (number - (len(variants) - 1) / 2)
        if found.low is not None and found.high is not None:
            axes.plot([x, x], [found.low, found.high], color=style.colour, linewidth=1.4, alpha=0.6)
        if found.mean is not None:
            axes.plot(x, found.mean, style.marker, color=style.colour, markersize=5)
    _chance(axes, rows, order, name)
    # empty lines, for the legend: a variant may have no point at all
    for variant in variants:
        style = styles[variant]
        axes.plot([], [], style.marker, color=style.colour, label=style.label)
    bare(axes, "", name)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.legend(frameon=False, ncols=FEW + 1, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=9)


def _chance(axes: Axes, rows: Sequence[StudyRow], order: Sequence[str], name: str) -> None:
    """A dotted step a column: fewer items may have a rare modality, so that chance finds more of them."""
    label = "chance"
    for x, subset in enumerate(order):
        chance = finite_mean(row.metrics[name].chance for row in rows if row.subset == subset)
        if chance is not None:
            axes.plot([x - 0.5, x + 0.5], [chance, chance], ":", color=DARK, linewidth=1, label=label)
            label = "_"  # one entry in the legend


def _colours(
    axes: Axes, rows: Sequence[StudyRow], variants: Sequence[str], order: Sequence[str], name: str, styles: Styles
) -> None:
    """A row a variant, a column a subset, numbers on colours."""
    draw_grid(axes, rows, variants, order, name, styles, small=True)
    axes.tick_params(length=0, labelbottom=False)
    axes.set_title(name, fontsize=10, loc="left")


def draw_grid(
    axes: Axes,
    rows: Sequence[StudyRow],
    variants: Sequence[str],
    subsets: Sequence[str],
    name: str,
    styles: Styles,
    small: bool = False,
) -> AxesImage:
    """Draw the means of a metric as numbers on colours: a row a variant, a column a subset.

    Args:
        axes: to draw on.
        rows: of a study.
        variants: in the order of the rows of the grid.
        subsets: in the order of its columns.
        name: the metric, ``TASK/METRIC``.
        styles: by variant.
        small: short numbers in a small type, for many columns.
    """
    # a variant need not have every subset: NaN leaves its cell white
    values: NDArray[np.float64] = np.full((len(variants), len(subsets)), np.nan)
    for row in rows:
        mean = row.metrics[name].mean
        values[variants.index(row.variant), subsets.index(row.subset)] = np.nan if mean is None else mean
    image = axes.imshow(values, aspect="auto", cmap="viridis")
    colours = image.to_rgba(values)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            text, size = f"{value:.2f}", None
            if small:
                text, size = text.replace("0.", ".", 1), 7
            axes.text(x, y, text, ha="center", va="center", fontsize=size, color=ink(colours[y, x]))
    axes.set_yticks(range(len(variants)), [styles[variant].label for variant in variants])
    axes.spines[:].set_visible(False)
    return image


def _matrix(axes: Axes, order: Sequence[str], modalities: Sequence[str]) -> None:
    """Which modalities each column sees: dark dots, joined."""
    for x, subset in enumerate(order):
        ys = sorted(map(modalities.index, subset.split("+")))
        axes.plot([x] * len(modalities), range(len(modalities)), "o", color=PALE, markersize=6)
        axes.plot([x] * len(ys), ys, "o-", color=DARK, markersize=6, linewidth=1.6)
    axes.set_yticks(range(len(modalities)), modalities)
    axes.set_ylim(len(modalities) - 0.5, -0.5)
    axes.set_xlim(-0.6, len(order) - 0.4)
    axes.tick_params(length=0, labelbottom=False)
    axes.spines[:].set_visible(False)
