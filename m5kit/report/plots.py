"""The pictures of a study: results over seeds, quality against cost, modality subsets, corruption, learning curves."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes

from m5kit.report.corruption import draw_corruption
from m5kit.report.learning import draw_losses, draw_weights, logged_names, mean_curves
from m5kit.report.study_tables import listed, row_name
from m5kit.report.style import (
    PALE,
    SeriesStyle,
    as_png,
    bare,
    drawing,
    legend,
    panels,
    series_styles,
)
from m5kit.report.subsets import Styles, draw_grid, draw_subsets
from m5kit.runs.study import Interval, SeedValues, Study, StudyRow

MOST_METRICS = 4
"""Metrics beside each other in one picture."""


class Picture(NamedTuple):
    """A picture of a report."""

    name: str
    title: str
    note: str
    png: bytes


class Drawing:
    """Pictures of a study that grows: drawn anew only as often as costs a small share of the time.

    Args:
        share: of the time that may go into drawing; the tables of a report do not wait for it.
    """

    def __init__(self, share: float = 0.05) -> None:
        self.share = share
        self._drawn: list[Picture] = []
        self._next = 0.0

    def of(self, study: Study, folder: Path, now: bool = False) -> list[Picture]:
        """As :func:`pictures`, or those of an earlier call; ``now`` draws in any case."""
        # a clock that nobody can set back while a sweep runs for days
        began = time.monotonic()
        if now or began >= self._next:
            self._drawn = list(pictures(study, folder))
            ended = time.monotonic()
            self._next = ended + (ended - began) / self.share
        return self._drawn


def pictures(study: Study, folder: Path) -> Iterator[Picture]:
    """Those that the study has numbers for.

    Args:
        study: to show.
        folder: which the paths of its runs are relative to.
    """
    whole = study.whole_rows
    if not whole:
        return
    main = study.metrics[0]
    styles = series_styles(row.variant for row in study.rows)
    note = "A dot is a run, a bar the interval of the mean; the pale line is the mean of the reference."
    yield Picture("figures", "Results over seeds", note, _dots(study, styles))
    if any(map(_has_cost, whole)):
        note = f"{main}. Vertical bars are intervals of the mean, horizontal bars the least and most seconds."
        yield Picture("cost", "Quality against cost", note, _cost(whole, main, styles))
    if len(whole) < len(study.rows):
        yield _by_subset(study, main, styles)
    if whole[0].corrupted:
        note = (
            "Mean over seeds, its interval as a band, the chance level dotted. Strength 0 is clean items; the larger "
            "the strength, the more is changed in the items before the model sees them."
        )
        yield Picture("damage", "Under corruption", note, draw_corruption(whole, styles))
    curves = {}
    for row in whole:
        curves[row.variant] = mean_curves(row.runs, folder)
    if losses := logged_names(curves, "loss/"):
        yield Picture("losses", "Learning curves", "Mean over seeds.", draw_losses(curves, losses, styles))
    if weights := logged_names(curves, "weight/"):
        note = "Share of each modality in the embedding, mean over seeds."
        yield Picture("weights", "Modality weights", note, draw_weights(curves, weights, styles))


def _by_subset(study: Study, main: str, styles: Styles) -> Picture:
    """A grid of numbers for a few subsets; columns of dots for many."""
    if study.subsets_compared:
        note = f"{main}, mean over seeds. Rows are variants, columns the modalities that the model sees."
        return Picture("views", "Modality subsets", note, _subset_grid(study.rows, main, styles))
    note = (
        f"{main}, mean over seeds with its interval, when the model sees only the modalities with a dark dot. "
        "Subsets are ordered by size and then by their mean; dotted: chance."
    )
    return Picture("views", "Every subset of modalities", note, draw_subsets(study.rows, main, styles))


@drawing()
def _dots(study: Study, styles: Styles) -> bytes:
    """A panel a metric, a line a row of the study."""
    rows, names = listed(study), study.metrics[:MOST_METRICS]
    size = (3.2 * len(names) + 2.6, 0.42 * len(rows) + 1.3)
    figure, (plots,) = panels(1, len(names), size, sharey=True)
    for axes, name in zip(plots, names, strict=True):
        for y, row in enumerate(rows):
            _dot_row(axes, y, row.metrics[name], styles[row.variant])
        _reference_line(axes, study, name)
        bare(axes, name, "")
        axes.tick_params(axis="y", length=0)
    # only the variant is shortened: what tells its rows apart stands at the end
    labels = [row_name(replace(row, variant=styles[row.variant].label)) for row in rows]
    plots[0].set_yticks(range(len(rows)), labels)
    # upside down, so that the first row of the table is the first here
    plots[0].set_ylim(len(rows) - 0.4, -0.6)
    return as_png(figure)


def _reference_line(axes: Axes, study: Study, name: str) -> None:
    for row in study.whole_rows:
        mean = row.metrics[name].mean
        if row.variant == study.reference and mean is not None:
            axes.axvline(mean, color=PALE, linewidth=1.5, zorder=0)  # behind the dots


def _dot_row(axes: Axes, y: int, found: SeedValues, style: SeriesStyle) -> None:
    axes.plot(list(found.values.values()), [y] * len(found.values), "o", color=style.colour, alpha=0.35, ms=5)
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [y, y], color=style.colour, linewidth=2)
    if found.mean is not None:
        axes.plot(found.mean, y, "|", color=style.colour, ms=13, mew=2.5)


@drawing()
def _cost(rows: Sequence[StudyRow], name: str, styles: Styles) -> bytes:
    """Quality over seconds, and over parameters."""
    figure, ((left, right),) = panels(1, 2, (11, max(4.2, 0.24 * len(rows) + 0.8)), sharey=True)
    for row in rows:
        found, cost, style = row.metrics[name], row.cost, styles[row.variant]
        if cost is None or found.mean is None or cost.seconds.mean is None:
            continue
        up, across = _reach(found), _reach(cost.seconds)
        point = {"color": style.colour, "marker": style.marker, "capsize": 3, "linestyle": "none"}
        left.errorbar(cost.seconds.mean, found.mean, up, across, **point)
        right.errorbar((cost.parameters or 0) / 1e6, found.mean, up, label=style.label, **point)
    bare(left, "seconds per run", name)
    bare(right, "parameters (millions)", "")
    legend(right)
    return as_png(figure)


def _has_cost(row: StudyRow) -> bool:
    return bool(row.cost and row.cost.seconds.mean)


def _reach(interval: Interval) -> list[list[float]] | None:
    """How far an error bar goes down and up."""
    low, mean, high = interval.low, interval.mean, interval.high
    return None if low is None or mean is None or high is None else [[mean - low], [high - mean]]


@drawing()
def _subset_grid(rows: Sequence[StudyRow], name: str, styles: Styles) -> bytes:
    """The metric of each variant with each subset, where subsets are few."""
    variants: list[str] = []
    subsets: list[str] = []
    for row in rows:
        if row.variant not in variants:
            variants.append(row.variant)
        if row.subset not in subsets:
            subsets.append(row.subset)
    size = (1.1 * len(subsets) + 2.5, 0.5 * len(variants) + 1.6)
    figure, ((axes,),) = panels(1, 1, size)
    image = draw_grid(axes, rows, variants, subsets, name, styles)
    # a name a line, as long subsets would run into their neighbours
    axes.set_xticks(range(len(subsets)), [subset.replace("+", "\n+ ") or "all" for subset in subsets])
    figure.colorbar(image, label=name)
    return as_png(figure)
