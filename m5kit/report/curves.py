"""The picture of a run: its losses, and how much each modality counts, over the steps."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from m5kit.report.style import as_png, bare, drawing, legend, panels, plot_curve, series_styles, whole_steps
from m5kit.runs.json import write_whole
from m5kit.runs.metrics import Curve, read_curves

_TICKS = np.outer(10.0 ** np.arange(-4, 4), (1, 2, 5)).ravel()
"""Labels of a logarithmic axis; matplotlib's own are powers of ten, of which a loss may cross none."""


@drawing()
def draw_curves(metrics: Path, picture: Path, title: str) -> None:
    """Draw what a ``metrics.jsonl`` holds as a PNG.

    Losses and modality weights stand side by side; below them, if the run was looked at on the way, what held-out items
    gave.
    """
    curves = read_curves(metrics)
    looked_at = any(name.startswith("val/") for name in curves)
    if looked_at:
        figure, (above, below) = panels(2, 3, (19, 9))
    else:
        figure, (above,) = panels(1, 2, (13, 4.5))
    _draw(above[0], curves, "loss/", "loss", log=True)
    _draw(above[1], curves, "weight/", "share in the embedding", log=False)
    if looked_at:
        _draw(above[2], {"rate/lr": curves.get("lr", {})}, "rate/", "learning rate", log=False)
        _draw(below[0], curves, "val/loss/", "loss, held out", log=True)
        _draw(below[1], _shares(curves), "val/", "share that is right, held out", log=False)
        _draw(below[2], curves, "val/rank/", "effective rank, held out", log=False)
    figure.suptitle(title)
    write_whole(picture, as_png(figure))


def _draw(axes: Axes, curves: Mapping[str, Curve], prefix: str, label: str, log: bool) -> None:
    """One panel: the curves below a prefix, on a logarithmic axis where that helps."""
    shown: dict[str, Curve] = {}
    # modalities first, so that each has one colour in all panels; the item as a whole is among some curves only
    for name in sorted(curves, key=lambda name: (name.endswith("/item"), name)):
        if name.startswith(prefix) and curves[name]:
            shown[name.removeprefix(prefix).replace("_", " ")] = curves[name]
    # by what this panel shows, so that the first colours, which differ most, are used in each
    styles = series_styles(shown)
    for names in _alike(shown):
        plot_curve(axes, shown[names[0]], replace(styles[names[0]], label=", ".join(names)))
    if log and shown and _all_positive(shown):
        _as_logarithmic(axes)
    whole_steps(axes)
    bare(axes, "step", label)
    if shown:
        legend(axes)


def _as_logarithmic(axes: Axes) -> None:
    """A loss falls by a similar factor early and late; a linear axis shows the first steps alone."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    inside = _TICKS[(low <= _TICKS) & (high >= _TICKS)]
    if len(inside) > 1:
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_yticks(inside)
    else:  # over so short a stretch a logarithmic axis is as good as straight
        axes.set_yscale("linear")


def _alike(curves: Mapping[str, Curve]) -> list[list[str]]:
    """The names by curve: of equal ones the last would hide the others, so they are one line with all their names."""
    names: dict[tuple[tuple[int, float], ...], list[str]] = {}
    for name, curve in curves.items():
        names.setdefault(tuple(curve.items()), []).append(name)
    return list(names.values())


def _shares(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Held-out values from 0 to 1: how often neighbours, or picks out of a batch, are right."""
    return {name: curve for name, curve in curves.items() if _is_held_out_share(name)}


def _is_held_out_share(name: str) -> bool:
    return name.startswith(("val/knn/", "val/retrieval")) or (name.startswith("val/") and name.endswith("/accuracy"))


def plain_name(name: str) -> str:
    """A logged name as a reader sees it.

    Example:
        >>> plain_name("loss/masked_text")
        'masked text'
    """
    return name.partition("/")[2].replace("_", " ")


def _all_positive(curves: Mapping[str, Curve]) -> bool:
    return all(min(curve.values()) > 0 for curve in curves.values())
