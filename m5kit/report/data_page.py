"""One HTML page about a manifest: tables and plots, with nothing outside the file."""

import io
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from m5kit.data.stats import Spread, Stats
from m5kit.report.html import whole_page
from m5kit.report.style import PALETTE, drawing, panels
from m5kit.report.tables import Table, to_html
from m5kit.runs.json import write_whole

COLOUR = PALETTE[0]
TOP = 20
"""Properties that are listed."""
FEW = 100
"""Classes that are drawn one by one."""
MOST_PATTERNS = 40
"""Combinations of modalities that are drawn one by one."""
MOST_BARS = 40
"""Of a histogram."""
NO_SPLIT = "(none)"


def write_page(stats: Stats, path: Path) -> None:
    """Write the page."""
    title = f"{escape(stats.path.name)}: {stats.items:,} items"
    heading = f'<h1>{title}</h1><p class="note">{escape(str(stats.path))}</p>'
    sections = [heading, _splits(stats), _combinations(stats)]
    for name, counts in stats.labels.items():
        sections.append(_label(name, counts))
    sections += [*_properties(stats), *_spreads(stats), *_files(stats)]
    # a file name may hold bytes that no UTF-8 has; the page is worth more than the name
    write_whole(path, whole_page(title, "\n".join(sections)).encode(errors="replace"))


def _splits(stats: Stats) -> str:
    rows = []
    for split, size in stats.splits.items():
        shares = [f"{stats.presence[split][modality] / size:.1%}" for modality in stats.modalities]
        rows.append([_split_name(split), f"{size:,}", *shares])
    heading = "<h2>Splits, and the share of items that have each modality</h2>"
    return heading + _table(["split", "items", *stats.modalities], rows)


def _split_name(split: str) -> str:
    return split or NO_SPLIT


def _combinations(stats: Stats) -> str:
    shown = dict(list(stats.patterns.items())[:MOST_PATTERNS])
    left = len(stats.patterns) - len(shown)
    note = f"<p>The {len(shown)} most frequent; {left:,} others are not shown.</p>" if left else ""
    picture = _plot(6.4, 0.6 + 0.3 * len(shown), lambda axes: _draw_combinations(axes, shown, stats.items))
    return f"<h2>Combinations of modalities</h2>{note}{picture}"


def _label(name: str, counts: Mapping[str, int]) -> str:
    sizes = np.array(list(counts.values()))
    top = sizes[: max(1, len(sizes) // 10)].sum() / sizes.sum()
    text = (
        f"{len(sizes):,} classes; the largest has {sizes[0]:,} items, the median class {np.median(sizes):,.0f}; "
        f"{(sizes == 1).sum():,} have one item; the largest tenth of the classes holds {top:.0%} of the items."
    )
    picture = _plot(6.4, 3, lambda axes: _draw_class_sizes(axes, sizes))
    return f"<h2>Label {escape(name)}</h2><p>{text}</p>{picture}"


def _properties(stats: Stats) -> Iterator[str]:
    if stats.properties:
        rows = _counts(stats.properties)[:TOP]
        yield f"<h2>Properties of tables</h2><p>{len(stats.properties):,} different; the most frequent:</p>"
        yield _table(["property", "tables"], rows)


def _spreads(stats: Stats) -> Iterator[str]:
    if not stats.spreads:
        return
    rows = []
    for spread in stats.spreads:
        # four digits: lengths of a few words and of millions of samples stand in one table
        numbers = map("{:,.4g}".format, spread.summary.values())
        rows.append([f"{spread.modality}, {spread.unit}", *numbers])
    yield "<h2>Lengths and sizes</h2>" + _table(["", *stats.spreads[0].summary], rows)
    yield f'<div class="plots">{"".join(map(_histogram, stats.spreads))}</div>'


def _files(stats: Stats) -> Iterator[str]:
    if stats.unreadable:
        rows = _counts(stats.unreadable)
        yield "<h2>Files that are missing or cannot be read</h2>" + _table(["modality", "files"], rows)
    if stats.shared is not None:
        yield "<h2>Contents that two splits share</h2>" + _shared(stats)


def _counts(counts: Mapping[str, int]) -> list[list[str]]:
    return [[name, f"{count:,}"] for name, count in counts.items()]


def _shared(stats: Stats) -> str:
    if not stats.shared:
        return "<p>None.</p>"
    rows = []
    for shared in stats.shared:
        splits = ", ".join(map(_split_name, shared.splits))
        examples = "; ".join(map(" = ".join, shared.examples[:3]))
        rows.append([f"{shared.modality}: {splits}", examples, f"{shared.contents:,}"])
    return _table(["modality and splits", "for example", "contents"], rows, words=2)


def _draw_combinations(axes: Axes, patterns: Mapping[tuple[str, ...], int], items: int) -> None:
    names, labels = [], []
    for pattern, count in patterns.items():
        names.append(" + ".join(pattern) or NO_SPLIT)
        labels.append(f"{count:,} ({count / items:.1%})")
    bars = axes.barh(names, list(patterns.values()), color=COLOUR)
    axes.bar_label(bars, labels, padding=4)
    # matplotlib counts upwards; the most frequent combination belongs on top
    axes.invert_yaxis()
    # room for the label beside the longest bar
    axes.margins(x=0.25)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("items")


def _draw_class_sizes(axes: Axes, sizes: np.ndarray) -> None:
    ranks = np.arange(1, len(sizes) + 1)
    if len(sizes) <= FEW:
        axes.bar(ranks, sizes, color=COLOUR)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axes.plot(ranks, sizes, color=COLOUR)
        _logarithmic(axes.xaxis)
        if sizes[0] >= 10 * sizes[-1]:  # less than a decade would have a single label
            _logarithmic(axes.yaxis)
        axes.grid(alpha=0.25)
    axes.set(xlabel="class, the largest first", ylabel="items")


def _logarithmic(axis: XAxis | YAxis) -> None:
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:,.0f}")
    axis.set_minor_formatter(NullFormatter())


def _histogram(spread: Spread) -> str:
    if spread.values.min() == spread.values.max():
        return ""  # the table says it all
    # the top 1 % would squeeze the rest into a single bar
    shown = spread.values[spread.values <= np.percentile(spread.values, 99)]

    def draw(axes: Axes) -> None:
        axes.hist(shown, bins=_bins(shown), color=COLOUR)
        axes.set(xlabel=f"{spread.modality}: {spread.unit}", ylabel="items")

    return _plot(4.2, 2.6, draw)


def _bins(values: NDArray[np.float64]) -> list[float] | int:
    """One bar a value for counts of a few; else bars of equal width."""
    low, high = values.min(), values.max()
    if high - low < MOST_BARS and (values == np.round(values)).all():
        # edges between the numbers, so that each bar stands over its own
        edges: list[float] = (np.arange(low, high + 2) - 0.5).tolist()
        return edges
    return min(MOST_BARS, len(np.unique(values)))


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    return to_html(Table("", headers, rows, words=words))


@drawing()
def _plot(width: float, height: float, draw: Callable[[Axes], None]) -> str:
    figure, ((axes,),) = panels(1, 1, (width, max(height, 1.4)))
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    # SVG inside the page: sharp at every size, and nothing that a reader would have to fetch
    figure.savefig(picture, format="svg", metadata={"Date": None})  # the same page for the same manifest
    return f'<img alt="" src="data:image/svg+xml;base64,{b64encode(picture.getvalue()).decode()}">'
