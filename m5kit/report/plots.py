"""The pictures of a study: figures with their intervals, quality against cost, learning curves, modality weights."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from m5kit.report.robustness import draw_damage
from m5kit.report.study import Study, listed, row_name
from m5kit.report.style import (
    MOST_PANELS,
    PALETTE,
    as_png,
    bare,
    grid,
    ink,
    legend,
    line_style,
    one_legend,
    short_names,
)
from m5kit.report.subsets import draw_subsets

Curve = Mapping[int, float]
"""A value by step."""


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
    whole = [row for row in study["rows"] if not row["view"]]
    if not whole:
        return
    main = study["figures"][0]
    yield Picture("figures", "Figures over seeds", "A dot is a run, a bar the interval of the mean.", _dots(study))
    if any(row["cost"]["seconds"]["mean"] for row in whole):
        yield Picture(
            "cost",
            "Quality against cost",
            f"{main}; bars up are intervals of the mean, bars across the least and most seconds.",
            _cost(whole, main),
        )
    if len(whole) < len(study["rows"]):
        yield _seen_in_part(study, main)
    if whole[0]["damaged"]:
        yield _as_damaged(whole)
    curves = {row["variant"]: _mean_curves(row["runs"], folder) for row in whole}
    losses = _names(curves, "loss/")
    if losses:
        yield Picture("losses", "Learning curves", "Mean over seeds.", _losses(curves, losses))
    if weights := _names(curves, "weight/"):
        note = "Share in the embedding, mean over seeds."
        yield Picture("weights", "How much each modality counts", note, _weights(curves, weights))


def _seen_in_part(study: Study, main: str) -> Picture:
    """A grid of numbers for a few views; columns of dots for many."""
    if study["views_compared"]:
        note = f"{main}, mean over seeds: what was trained, down; what it sees, across."
        return Picture("views", "Seen in part", note, _views(study["rows"], main))
    note = (
        f"{main}, mean over seeds and its interval, when the model sees only the modalities with a dark dot. "
        "Few modalities come first and, of one size, the best."
    )
    return Picture("views", "Whatever is missing", note, draw_subsets(study["rows"], main))


def _as_damaged(rows: Sequence[Mapping[str, Any]]) -> Picture:
    note = (
        "Mean over seeds, its interval as a band, the chance level dotted. A strength of 0 is the clean task; "
        "the larger it is, the more is done to the items before the model sees them."
    )
    return Picture("damage", "As items are damaged", note, draw_damage(rows))


def _dots(study: Study) -> bytes:
    rows, names = listed(study), study["figures"][:4]
    size = (3.2 * len(names) + 2.6, 0.42 * len(rows) + 1.3)
    figure, panels = plt.subplots(1, len(names), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axes, name in zip(panels[0], names, strict=True):
        for y, row in enumerate(rows):
            found = row["figures"][name]
            colour = PALETTE[0] if row["variant"] != study["reference"] or row["view"] else PALETTE[4]
            axes.plot(list(found["values"].values()), [y] * len(found["values"]), "o", color=colour, alpha=0.35, ms=5)
            if found["low"] is not None:
                axes.plot([found["low"], found["high"]], [y, y], color=colour, linewidth=2)
            if found["mean"] is not None:
                axes.plot(found["mean"], y, "|", color=colour, ms=13, mew=2.5)
        bare(axes, name, "")
        axes.tick_params(axis="y", length=0)
    labels = short_names(map(row_name, rows))
    panels[0][0].set_yticks(range(len(rows)), [labels[row_name(row)] for row in rows])
    panels[0][0].set_ylim(len(rows) - 0.4, -0.6)
    return as_png(figure)


def _cost(rows: Sequence[Mapping[str, Any]], name: str) -> bytes:
    labels = short_names(row["variant"] for row in rows)
    high = max(4.2, 0.24 * len(rows) + 0.8)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, high), sharey=True, layout="constrained")
    for number, row in enumerate(rows):
        found, cost = row["figures"][name], row["cost"]
        style = {"color": PALETTE[number % len(PALETTE)], "marker": "os^D"[number // len(PALETTE) % 4], "capsize": 3}
        if found["mean"] is None or cost["seconds"]["mean"] is None:
            continue
        up, across = _reach(found), _reach(cost["seconds"])
        left.errorbar(cost["seconds"]["mean"], found["mean"], up, across, **style)
        size = (cost["parameters"] or 0) / 1e6
        right.errorbar(size, found["mean"], up, label=labels[row["variant"]], linestyle="none", **style)
    bare(left, "seconds of a run", name)
    bare(right, "parameters (millions)", "")
    legend(right)
    return as_png(figure)


def _reach(interval: Mapping[str, float | None]) -> list[list[float]] | None:
    low, mean, high = interval["low"], interval["mean"], interval["high"]
    return None if low is None or mean is None or high is None else [[mean - low], [high - mean]]


def _views(rows: Sequence[Mapping[str, Any]], name: str) -> bytes:
    variants, views = (list(dict.fromkeys(row[key] for row in rows)) for key in ("variant", "view"))
    values = np.full((len(variants), len(views)), np.nan)
    for row in rows:
        mean = row["figures"][name]["mean"]
        values[variants.index(row["variant"]), views.index(row["view"])] = np.nan if mean is None else mean
    figure, axes = plt.subplots(figsize=(1.1 * len(views) + 2.5, 0.5 * len(variants) + 1.6), layout="constrained")
    image = axes.imshow(values, aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(views)), [view.replace("+", "\n+ ") or "all" for view in views])
    axes.set_yticks(range(len(variants)), short_names(variants).values())
    for (y, x), value in np.ndenumerate(values):
        if np.isfinite(value):
            axes.text(x, y, f"{value:.2f}", ha="center", va="center", color=ink(image.to_rgba(value)))
    axes.spines[:].set_visible(False)
    figure.colorbar(image, label=name)
    return as_png(figure)


def _mean_curves(runs: Sequence[str], folder: Path) -> dict[str, Curve]:
    """Mean over runs of every value that was logged, at the steps that all of them have."""
    read = [_read(folder / run / "metrics.jsonl") for run in runs]
    shared = set.intersection(*(set(curves) for curves in read)) if read else set()
    return {name: _mean([curves[name] for curves in read]) for name in sorted(shared)}


def _read(metrics: Path) -> Mapping[str, Curve]:
    curves: dict[str, dict[int, float]] = {}
    lines = metrics.read_text(encoding="utf-8").splitlines() if metrics.exists() else []
    for row in map(json.loads, lines):
        for name, value in row.items():
            curves.setdefault(name, {})[row["step"]] = value
    return curves


def _mean(curves: Sequence[Curve]) -> Curve:
    steps = sorted(set.intersection(*(set(curve) for curve in curves)))
    return {step: sum(curve[step] for curve in curves) / len(curves) for step in steps}


def _names(curves: Mapping[str, Mapping[str, Curve]], prefix: str) -> list[str]:
    return sorted({name for found in curves.values() for name in found if name.startswith(prefix)})


def _losses(curves: Mapping[str, Mapping[str, Curve]], names: Sequence[str]) -> bytes:
    labels = short_names(curves)
    figure, panels = grid(min(len(names), MOST_PANELS))
    for axes, name in zip(panels, names, strict=False):
        for number, (variant, found) in enumerate(curves.items()):
            _line(axes, found.get(name, {}), number, labels[variant])
        _over_steps(axes, _plain(name), "loss")
    one_legend(figure, panels)
    return as_png(figure)


def _weights(curves: Mapping[str, Mapping[str, Curve]], names: Sequence[str]) -> bytes:
    shown = {variant: found for variant, found in curves.items() if any(name in found for name in names)}
    titles = short_names(shown)
    figure, panels = grid(min(len(shown), MOST_PANELS))
    for axes, (variant, found) in zip(panels, shown.items(), strict=False):
        for number, name in enumerate(names):
            _line(axes, found.get(name, {}), number, _plain(name))
        _over_steps(axes, titles[variant], "share")
    highest = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(0, highest)
    one_legend(figure, panels)
    return as_png(figure)


def _line(axes: Axes, curve: Curve, number: int, label: str) -> None:
    marker = "o" if len(curve) == 1 else ""
    axes.plot(list(curve), list(curve.values()), label=label, marker=marker, **line_style(number))


def _over_steps(axes: Axes, title: str, y: str) -> None:
    axes.set_title(title, fontsize=10)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    bare(axes, "step", y)


def _plain(name: str) -> str:
    return name.partition("/")[2].replace("_", " ")
