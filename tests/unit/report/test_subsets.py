"""The picture of all choices of modalities: every choice a column, few modalities first and then the best."""

from itertools import combinations

import numpy as np
import pytest

from m5kit.report import subsets
from m5kit.report.style import series_styles
from m5kit.report.subsets import FEW, draw_subsets
from m5kit.runs.study import Study

FIGURE = "coarse/mrr@10"
WORTH = {"a": 0.1, "b": 0.3, "c": 0.2}
VIEWS = ["+".join(chosen) for size in (1, 2, 3) for chosen in combinations(WORTH, size)]


def row(variant, view, mean):
    found = {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "chance": 0.05, "values": {}}
    return {"variant": variant, "view": view, "figures": {FIGURE: found}}


def drawn(rows):
    study = Study.from_json({"title": "t", "figures": [FIGURE], "rows": rows})
    return draw_subsets(study.rows, FIGURE, series_styles(row.variant for row in study.rows))


def rows(count):
    return [
        row(f"v{n}", view, sum(WORTH[m] for m in view.split("+")))
        for n in range(count)
        for view in ["", *VIEWS]
        if view
    ]


@pytest.fixture
def columns(monkeypatch):
    """The columns and lines of the matrix that was drawn."""
    kept = []
    matrix = subsets._matrix
    monkeypatch.setattr(subsets, "_matrix", lambda axes, *given: (kept.append(given), matrix(axes, *given)))
    return kept


@pytest.mark.parametrize("count", [1, FEW, FEW + 3])
def test_columns_are_sorted_by_size_then_worth_and_lines_by_worth(columns, count):
    assert drawn(rows(count)).startswith(b"\x89PNG")
    order, modalities = columns[0]
    assert order == ["b", "c", "a", "b+c", "a+b", "a+c", "a+b+c"]
    assert modalities == ["b", "c", "a"]


def test_the_whole_is_no_column_and_gaps_break_nothing(columns):
    given = [*rows(2), row("v0", "", 0.9)]
    given[0]["figures"][FIGURE] |= {"mean": None, "low": None, "high": None}
    given = [each for each in given if (each["variant"], each["view"]) != ("v1", "a+b+c")]
    assert drawn(given).startswith(b"\x89PNG")
    assert len(columns[0][0]) == 7


def test_the_same_rows_give_the_same_bytes():
    assert drawn(rows(2)) == drawn(rows(2))


def test_ink_is_readable_on_any_colour_of_the_map():
    from matplotlib import colormaps

    from m5kit.report.style import ink

    def luminance(colour):
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for colour in colormaps["viridis"](np.linspace(0, 1, 50))[:, :3]:
        back, front = luminance(colour), {"black": 0.0, "white": 1.0}[ink(colour)]
        assert (max(back, front) + 0.05) / (min(back, front) + 0.05) > 4.4  # WCAG asks 4.5 of small text
