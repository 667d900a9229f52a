"""How every picture of m5kit looks, and how it becomes a file."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

mpl.use("Agg")  # a run may have no display

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#8C6D31",
    "#666666",
)
"""Safe for most eyes."""

MOST_PANELS = 12
"""Panels of one picture; more would be too small to read."""


def bare(axes: Axes, x: str, y: str) -> None:
    """Name the axes; a faint grid, and no frame above and to the right."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def legend(axes: Axes) -> None:
    """Beside the plot, where it hides nothing."""
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def line_style(number: int) -> dict[str, Any]:
    """The colour and dashes of one of many lines."""
    dashes = ("-", "--", ":", "-.")[number // len(PALETTE) % 4]
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": dashes, "linewidth": 1.6}


def grid(count: int) -> tuple[Figure, list[Axes]]:
    """A picture of so many panels, three side by side."""
    across = min(count, 3)
    down = -(-count // across)
    figure, panels = plt.subplots(
        down, across, figsize=(3.7 * across + 1.8, 2.7 * down), squeeze=False, layout="constrained"
    )
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    for number, axes in enumerate(panels.flat):
        axes.set_visible(number < count)
    return figure, list(panels.flat[:count])


def one_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """That of the first panel, beside all of them."""
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, loc="outside right upper")


def short_names(names: Iterable[str], letters: int = 34) -> dict[str, str]:
    """Names that fit beside a picture, by whole name: long ones lose their middle, unless two would become one.

    Example:
        >>> short_names(["scale", "schedule.lr=1e-4, fusion=gated"], letters=20)
        {'scale': 'scale', 'schedule.lr=1e-4, fusion=gated': 'schedule.l…ion=gated'}
    """
    whole = list(dict.fromkeys(names))
    half = letters // 2
    cut = [name if len(name) <= letters else f"{name[:half]}…{name[1 - half :]}" for name in whole]
    return dict(zip(whole, cut if len(set(cut)) == len(whole) else whole, strict=True))


def ink(background: NDArray[np.float64]) -> str:
    """Black or white, whichever is easier to read on a colour (red, green, blue from 0 to 1).

    Source: relative luminance, WCAG 2; above 0.18 black has the higher contrast.
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in background[:3]]
    return "black" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18 else "white"


def as_png(figure: Figure) -> bytes:
    """The picture as PNG, the same bytes for the same picture; closes it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    plt.close(figure)
    return buffer.getvalue()
