"""The pictures of training: losses and modality weights over the steps, mean over seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from m5kit.evaluation.functional.averages import finite_mean
from m5kit.report.curves import plain_name
from m5kit.report.run_place import run_at
from m5kit.report.style import (
    MOST_PANELS,
    SeriesStyle,
    as_png,
    bare,
    drawing,
    grid,
    one_legend,
    plot_curve,
    series_styles,
    whole_steps,
)
from m5kit.runs.metrics import Curve, read_curves

VariantCurves = Mapping[str, Mapping[str, Curve]]
"""What was logged, by variant and then by name."""


def mean_curves(runs: Sequence[str], folder: Path) -> dict[str, Curve]:
    """Mean over runs of every value that was logged, at the steps that all of them have.

    Args:
        runs: paths relative to ``folder``.
        folder: of the study.
    """
    logged = [read_curves(run_at(folder, run).metrics) for run in runs]
    if not logged:
        return {}
    # a value that some seeds never logged would be a mean over fewer runs than its neighbours
    shared = set(logged[0]).intersection(*logged[1:])
    means = {}
    for name in sorted(shared):
        means[name] = _mean([curves[name] for curves in logged])
    return means


def logged_names(curves: VariantCurves, prefix: str) -> list[str]:
    """Every name with this prefix that some variant logged."""
    names: set[str] = set()
    for found in curves.values():
        names.update(found)
    return sorted(name for name in names if name.startswith(prefix))


@drawing()
def draw_losses(curves: VariantCurves, names: Sequence[str], styles: Mapping[str, SeriesStyle]) -> bytes:
    """A panel for each loss, a line for each variant.

    Args:
        curves: by variant.
        names: of the losses.
        styles: by variant.
    """
    figure, panels = grid(min(len(names), MOST_PANELS))
    # the first names only, if there are more than panels
    for axes, name in zip(panels, names, strict=False):
        for variant, found in curves.items():
            plot_curve(axes, found.get(name, {}), styles[variant])
        _over_steps(axes, plain_name(name), "loss")
    one_legend(figure, panels)
    return as_png(figure)


@drawing()
def draw_weights(curves: VariantCurves, names: Sequence[str], styles: Mapping[str, SeriesStyle]) -> bytes:
    """A panel for each variant that has any of these weights, a line for each modality.

    Args:
        curves: by variant.
        names: of the weights.
        styles: by variant; only their labels are used.
    """
    shown = {variant: found for variant, found in curves.items() if not found.keys().isdisjoint(names)}
    modalities = series_styles(map(plain_name, names))
    figure, panels = grid(min(len(shown), MOST_PANELS))
    for axes, (variant, found) in zip(panels, shown.items(), strict=False):
        for name in names:
            plot_curve(axes, found.get(name, {}), modalities[plain_name(name)])
        _over_steps(axes, styles[variant].label, "share")
    # one scale for all panels, or a small share looks as large as a large one
    highest = 0.0
    for axes in panels:
        highest = max(highest, axes.get_ylim()[1])
    for axes in panels:
        axes.set_ylim(0, highest)
    one_legend(figure, panels)
    return as_png(figure)


def _mean(curves: Sequence[Curve]) -> Curve:
    steps = set(curves[0]).intersection(*curves[1:])
    # in the order of time, which a set has lost
    means = {}
    for step in sorted(steps):
        # a loss that overflowed in one run must not hide what the other runs did
        mean = finite_mean(curve[step] for curve in curves)
        if mean is not None:
            means[step] = mean
    return means


def _over_steps(axes: Axes, title: str, y: str) -> None:
    axes.set_title(title, fontsize=10)
    whole_steps(axes, 5)
    bare(axes, "step", y)
