"""The picture of a run: its losses, and how much each modality counts, over the steps."""

import json
from pathlib import Path
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, ScalarFormatter

from m5kit.report.style import PALETTE, as_png, bare, legend

_TICKS = tuple(mantissa * 10.0**power for power in range(-4, 4) for mantissa in (1, 2, 5))  # of a logarithmic axis


def draw_curves(metrics: Path, picture: Path, title: str) -> None:
    """Draw ``loss/*`` and ``weight/*`` of a ``metrics.jsonl`` side by side as a PNG."""
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.5), layout="constrained")
    _draw(left, rows, "loss/", "loss", log=True)
    _draw(right, rows, "weight/", "share in the embedding", log=False)
    figure.suptitle(title)
    picture.write_bytes(as_png(figure))


def _draw(axes: Axes, rows: list[dict[str, Any]], prefix: str, label: str, log: bool) -> None:
    names = sorted({name for row in rows for name in row if name.startswith(prefix)})
    for name, colour in zip(names, PALETTE * len(names), strict=False):
        seen = [(row["step"], row[name]) for row in rows if name in row]
        axes.plot(
            *zip(*seen, strict=True), color=colour, label=name.removeprefix(prefix).replace("_", " "), linewidth=1.8
        )
    if log and all(row.get(name, 1) > 0 for row in rows for name in names):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_yticks([tick for tick in _TICKS if axes.get_ylim()[0] <= tick <= axes.get_ylim()[1]])
    bare(axes, "step", label)
    if names:
        legend(axes)
