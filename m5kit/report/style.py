"""How every picture of m5kit looks, and how it becomes a file."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

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
"""Colours that most colour-blind readers can tell apart (Okabe and Ito), but yellow, which is too pale on white."""
DARK, PALE = "#1d2329", "#d9dee2"
MARKERS = "os^D"
DASHES = ("-", "--", ":", "-.")

MOST_PANELS = 12
"""Panels of one picture; more would be too small to read."""


@dataclass(frozen=True, slots=True)
class SeriesStyle:
    """How one variant, or one modality, is drawn wherever it is drawn.

    Attributes:
        label: its name, short enough for a legend.
        colour: of lines and points.
        dashes: of lines.
        marker: of points.
    """

    label: str
    colour: str
    dashes: str
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """Arguments of ``plot`` for a line."""
        return {"color": self.colour, "linestyle": self.dashes, "linewidth": 1.6, "label": self.label}


def series_styles(names: Iterable[str]) -> dict[str, SeriesStyle]:
    """A style for each name, by its place; beyond the colours, dashes and markers tell them apart."""
    labels = short_names(names)
    styles = {}
    for number, (name, label) in enumerate(labels.items()):
        turn, place = divmod(number, len(PALETTE))
        styles[name] = SeriesStyle(label, PALETTE[place], DASHES[turn % len(DASHES)], MARKERS[number % len(MARKERS)])
    return styles


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in m5kit's way, whatever the user's own matplotlib settings are; those are untouched.

    Names are shown letter by letter: matplotlib takes what stands between two dollar signs for a formula otherwise.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # which leaves the backend alone
        mpl.rcParams["text.parse_math"] = False
        yield


def panels(down: int, across: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """A picture of ``down`` by ``across`` plots; no window and no global state of matplotlib is involved.

    Args:
        down: rows of plots.
        across: columns of plots.
        size: width and height in inches.
        options: of matplotlib's ``Figure.subplots``.
    """
    # not pyplot.subplots, which keeps every picture alive in a list of its own and may open a display
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(down, across, squeeze=False, **options)


def grid(count: int) -> tuple[Figure, list[Axes]]:
    """A picture of so many plots, three side by side."""
    across = min(count, 3)
    down = -(-count // across)
    figure, axes = panels(down, across, (3.7 * across + 1.8, 2.7 * down))
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    # a last row that is not full: its spare plots stay, so that all columns have the same width
    for number, each in enumerate(axes.flat):
        each.set_visible(number < count)
    return figure, list(axes.flat[:count])


def bare(axes: Axes, x: str, y: str) -> None:
    """Name the axes; a faint grid, and no frame above and to the right."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def whole_steps(axes: Axes, most: int | Literal["auto"] = "auto") -> None:
    """Name whole steps on the axis, also where there is but one; half a step was never made.

    Args:
        axes: with steps from left to right.
        most: steps that are named, or ``auto`` for what has room.
    """
    axes.xaxis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1))


def plot_curve(axes: Axes, curve: Mapping[int, float], style: SeriesStyle) -> None:
    """Draw values over steps; a single one is a dot, as a line of one point cannot be seen."""
    marker = style.marker if len(curve) == 1 else ""
    axes.plot(list(curve), list(curve.values()), marker=marker, **style.line)


def legend(axes: Axes) -> None:
    """Beside the plot, where it hides nothing."""
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def one_legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Everything that some plot shows, once, beside all of them."""
    entries: dict[str, Any] = {}
    for each in axes:
        for handle, label in zip(*each.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    figure.legend(entries.values(), entries.keys(), frameon=False, loc="outside right upper")


def short_names(names: Iterable[str], letters: int = 34) -> dict[str, str]:
    """Names that fit beside a picture, by whole name.

    A long name loses whole words from its middle, and only a long word its own middle. Nothing is cut where two names
    would become one.

    Example:
        >>> short_names(["scale", "schedule.lr=1e-4, fusion=gated"], letters=20)
        {'scale': 'scale', 'schedule.lr=1e-4, fusion=gated': 'schedule.…gated'}
    """
    whole = list(dict.fromkeys(names))
    lines = [" ".join(name.split()) for name in whole]  # a line break in a label would cover its neighbours
    cut = [_without_middle(line, letters) for line in lines]
    # all or none: beside cut names a whole one would look like another kind of thing
    return dict(zip(whole, cut if len(set(cut)) == len(whole) else lines, strict=True))


def _without_middle(name: str, letters: int) -> str:
    if len(name) <= letters:
        return name
    half = letters // 2
    begin, end = name[:half], name[1 - half :]
    # back to the last end of a word in the first half, and on to the first beginning of one in the second
    first, second = half, 0
    for found in re.finditer(r"[^\w]+|_", begin):
        first = found.end()
    if found_end := re.search(r"[^\w]+|_", end):
        second = found_end.end()
    return f"{begin[:first].rstrip()}…{end[second:]}"


def ink(background: NDArray[np.float64]) -> str:
    """Black or white, whichever is easier to read on a colour (red, green, blue from 0 to 1).

    Source: relative luminance, WCAG 2; above 0.18 black has the higher contrast.
    """
    colour = np.asarray(background[:3])
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "black" if luminance > 0.18 else "white"


def as_png(figure: Figure) -> bytes:
    """The picture as PNG, the same bytes for the same picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
