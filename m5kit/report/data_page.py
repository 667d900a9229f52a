"""One HTML page about a manifest: tables and plots, with nothing outside the file."""

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from m5kit.data.stats import Spread, Stats
from m5kit.report.html import whole_page
from m5kit.report.style import PALETTE
from m5kit.report.tables import Table, to_html

COLOUR = PALETTE[0]
TOP = 20
FEW = 100
"""Classes that are drawn one by one."""


def write_page(stats: Stats, path: Path) -> None:
    """Write the page."""
    title = f"{escape(stats.path.name)}: {stats.items:,} items"
    body = "\n".join([f'<h1>{title}</h1><p class="note">{escape(str(stats.path))}</p>', *_sections(stats)])
    path.write_text(whole_page(title, body), "utf-8")


def _sections(stats: Stats) -> Iterator[str]:
    shares = [
        [split or "(none)", f"{size:,}", *(f"{stats.presence[split][m] / size:.1%}" for m in stats.modalities)]
        for split, size in stats.splits.items()
    ]
    yield "<h2>Splits, and how many items have each modality</h2>" + _table(
        ["split", "items", *stats.modalities], shares
    )
    yield "<h2>Modalities together</h2>" + _plot(
        6.4, 0.6 + 0.3 * len(stats.patterns), lambda axes: _patterns(axes, stats)
    )
    for name, counts in stats.labels.items():
        yield f"<h2>Label {escape(name)}</h2>" + _label(counts)
    if stats.properties:
        common = list(stats.properties.items())[:TOP]
        yield f"<h2>Properties of tables</h2><p>{len(stats.properties):,} different; the most frequent:</p>"
        yield _table(["property", "tables"], [[name, f"{count:,}"] for name, count in common])
    if stats.spreads:
        rows = [[f"{s.modality}, {s.unit}", *(f"{v:,.4g}" for v in s.summary.values())] for s in stats.spreads]
        yield "<h2>Lengths and sizes</h2>" + _table(["", *stats.spreads[0].summary], rows)
        yield f'<div class="plots">{"".join(map(_spread, stats.spreads))}</div>'
    if stats.unreadable:
        yield "<h2>Files that are missing or cannot be read</h2>"
        yield _table(["modality", "files"], [[m, f"{n:,}"] for m, n in stats.unreadable.items()])
    if stats.shared is not None:
        yield "<h2>Contents that two splits share</h2>" + _shared(stats)


def _label(counts: Mapping[str, int]) -> str:
    sizes = np.array(list(counts.values()))
    top = sizes[: max(1, len(sizes) // 10)].sum() / sizes.sum()
    text = (
        f"{len(sizes):,} classes; the largest has {sizes[0]:,} items, the median class {np.median(sizes):,.0f}; "
        f"{(sizes == 1).sum():,} have one item; the largest tenth of the classes holds {top:.0%} of the items."
    )
    return f"<p>{text}</p>" + _plot(6.4, 3, lambda axes: _tail(axes, sizes))


def _patterns(axes: Axes, stats: Stats) -> None:
    names = [" + ".join(pattern) or "(none)" for pattern in stats.patterns]
    bars = axes.barh(names, list(stats.patterns.values()), color=COLOUR)
    axes.bar_label(bars, [f"{count:,} ({count / stats.items:.1%})" for count in stats.patterns.values()], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlabel("items")


def _tail(axes: Axes, sizes: np.ndarray) -> None:
    ranks = np.arange(1, len(sizes) + 1)
    if len(sizes) <= FEW:
        axes.bar(ranks, sizes, color=COLOUR)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    else:
        axes.plot(ranks, sizes, color=COLOUR)
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter("{x:,.0f}")
            axis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.25)
    axes.set(xlabel="class, the largest first", ylabel="items")


def _spread(spread: Spread) -> str:
    if spread.values.min() == spread.values.max():
        return ""  # the table says it all
    # the last hundredth would leave the rest a single bar
    shown = spread.values[spread.values <= np.percentile(spread.values, 99)]

    def draw(axes: Axes) -> None:
        axes.hist(shown, bins=min(40, max(1, len(np.unique(shown)))), color=COLOUR)
        axes.set(xlabel=f"{spread.modality}: {spread.unit}", ylabel="items")

    return _plot(4.2, 2.6, draw)


def _shared(stats: Stats) -> str:
    if not stats.shared:
        return "<p>None.</p>"
    rows = [
        [
            f"{s.modality}: {s.splits[0] or '(none)'}, {s.splits[1] or '(none)'}",
            _examples(s.examples),
            f"{s.contents:,}",
        ]
        for s in stats.shared
    ]
    return _table(["modality and splits", "for example", "contents"], rows, words=2)


def _examples(pairs: Sequence[tuple[str, str]]) -> str:
    return "; ".join(" = ".join(pair) for pair in pairs[:3])


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    return to_html(Table("", headers, rows, words=words))


def _plot(width: float, height: float, draw: Callable[[Axes], None]) -> str:
    figure, axes = plt.subplots(figsize=(width, max(height, 1.4)), layout="constrained")
    draw(axes)
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, format="svg")
    plt.close(figure)
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(picture.getvalue()).decode()}">'
