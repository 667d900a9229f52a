"""The picture of a figure over every choice of modalities that a model may see: the choices as columns of dots."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray

from m5kit.report.style import PALETTE, as_png, bare, ink, short_names

Rows = Sequence[Mapping[str, Any]]

FEW = 4
"""Variants that are drawn as points with intervals; more are rows of colours."""
DARK, PALE = "#1d2329", "#d9dee2"


def draw_subsets(rows: Rows, name: str) -> bytes:
    """Draw one column a view, few modalities first and, of one size, the best first.

    Args:
        rows: of a study; those without a view are left out.
        name: the figure.
    """
    seen = [row for row in rows if row["view"]]
    variants = list(dict.fromkeys(row["variant"] for row in seen))
    means = _means(seen, name)
    order = sorted(means, key=lambda view: (view.count("+"), -means[view], view))
    alone = {view: mean for view, mean in means.items() if "+" not in view}
    modalities = sorted({m for view in order for m in view.split("+")}, key=lambda m: (-alone.get(m, 0.0), m))
    high = 2.6 if len(variants) <= FEW else 0.34 * len(variants) + 0.3
    figure, (top, below) = plt.subplots(
        *(2, 1),
        figsize=(0.33 * len(order) + 2.4, high + 0.26 * len(modalities) + 0.9),
        height_ratios=[high, 0.26 * len(modalities)],
        sharex=True,
        layout="constrained",
    )
    if len(variants) <= FEW:
        _points(top, seen, variants, order, name)
    else:
        _colours(top, seen, variants, order, name)
    _matrix(below, order, modalities)
    for axes in (top, below):
        for border in np.flatnonzero(np.diff([view.count("+") for view in order])):
            axes.axvline(border + 0.5, color=PALE, linewidth=1, zorder=0)
    return as_png(figure)


def _means(rows: Rows, name: str) -> dict[str, float]:
    """Mean over variants by view; where nothing was found, below everything."""
    found: dict[str, list[float]] = {}
    for row in rows:
        mean = row["figures"][name]["mean"]
        found.setdefault(row["view"], []).extend([] if mean is None else [mean])
    return {view: sum(values) / len(values) if values else -1.0 for view, values in found.items()}


def _points(axes: Axes, rows: Rows, variants: Sequence[str], order: Sequence[str], name: str) -> None:
    for row in rows:
        number, found = variants.index(row["variant"]), row["figures"][name]
        x = order.index(row["view"]) + 0.16 * (number - (len(variants) - 1) / 2)
        colour = PALETTE[number]
        if found["low"] is not None:
            axes.plot([x, x], [found["low"], found["high"]], color=colour, linewidth=1.4, alpha=0.6)
        if found["mean"] is not None:
            axes.plot(x, found["mean"], "os^D"[number], color=colour, markersize=5)
    chance = next((c for row in rows if (c := row["figures"][name]["chance"]) is not None), None)
    if chance is not None:
        axes.axhline(chance, color=DARK, linewidth=1, linestyle=":", label="chance")
    labels = short_names(variants)
    for number, variant in enumerate(variants):
        axes.plot([], [], "os^D"[number], color=PALETTE[number], label=labels[variant])
    bare(axes, "", name)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.legend(frameon=False, ncols=FEW + 1, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, fontsize=9)


def _colours(axes: Axes, rows: Rows, variants: Sequence[str], order: Sequence[str], name: str) -> None:
    values: NDArray[np.float64] = np.full((len(variants), len(order)), np.nan)
    for row in rows:
        mean = row["figures"][name]["mean"]
        values[variants.index(row["variant"]), order.index(row["view"])] = np.nan if mean is None else mean
    image = axes.imshow(values, aspect="auto", cmap="viridis")
    colours = image.to_rgba(values)
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            text = f"{value:.2f}".replace("0.", ".", 1)
            axes.text(x, y, text, ha="center", va="center", fontsize=7, color=ink(colours[y, x]))
    axes.set_yticks(range(len(variants)), short_names(variants).values())
    axes.tick_params(length=0, labelbottom=False)
    axes.spines[:].set_visible(False)
    axes.set_title(name, fontsize=10, loc="left")


def _matrix(axes: Axes, order: Sequence[str], modalities: Sequence[str]) -> None:
    """Which modalities each column sees: dark dots, joined."""
    for x, view in enumerate(order):
        ys = sorted(modalities.index(m) for m in view.split("+"))
        axes.plot([x] * len(modalities), range(len(modalities)), "o", color=PALE, markersize=6)
        axes.plot([x] * len(ys), ys, "o-", color=DARK, markersize=6, linewidth=1.6)
    axes.set_yticks(range(len(modalities)), modalities)
    axes.set_ylim(len(modalities) - 0.5, -0.5)
    axes.set_xlim(-0.6, len(order) - 0.4)
    axes.tick_params(length=0, labelbottom=False)
    axes.spines[:].set_visible(False)
