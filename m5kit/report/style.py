"""How every picture of m5kit looks, and how it becomes a file."""

import io

import matplotlib as mpl

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


def bare(axes: Axes, x: str, y: str) -> None:
    """Name the axes; a faint grid, and no frame above and to the right."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def legend(axes: Axes) -> None:
    """Beside the plot, where it hides nothing."""
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def as_png(figure: Figure) -> bytes:
    """The picture as PNG, the same bytes for the same picture; closes it."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    plt.close(figure)
    return buffer.getvalue()
