"""The picture of metric values under corruption: a panel a task, a line a variant, bands, chance, gaps."""

import pytest

from m5kit.report import corruption
from m5kit.report.corruption import draw_corruption
from m5kit.report.plots import pictures
from m5kit.report.study_tables import tables
from m5kit.report.style import MOST_PANELS, series_styles
from m5kit.runs.study import Study

STRENGTHS = (0.0, 0.5, 1.0)


def point(strength, mean, reach=0.05, chance=0.1):
    ends = {"low": None, "high": None} if mean is None or reach is None else {"low": mean - reach, "high": mean + reach}
    return {"strength": strength, "mean": mean, **ends, "chance": chance}


def damaged(means, task="no_sound", kind="missing", relative=0.7, **changes):
    curve = [point(strength, mean, **changes) for strength, mean in zip(STRENGTHS, means, strict=True)]
    return {"task": task, "figure": "mrr@10", "kind": kind, "curve": curve, "relative": point(0.0, relative)}


def rows(*curves):
    return [{"variant": f"v{number}", "figures": {}, "damaged": [curve]} for number, curve in enumerate(curves)]


def drawn(rows):
    study = Study.from_json({"title": "t", "figures": ["coarse/mrr@10"], "rows": rows})
    return draw_corruption(study.rows, series_styles(row.variant for row in study.rows))


@pytest.fixture
def panels(monkeypatch):
    """The panels of what is drawn."""
    kept = []

    def grid(count):
        figure, panels = whole(count)
        kept.extend(panels)
        return figure, panels

    whole = corruption.grid
    monkeypatch.setattr(corruption, "grid", grid)
    return kept


def lines(axes):
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.get_lines()}


def test_every_variant_is_a_line_over_the_strengths_and_chance_another(panels):
    assert drawn(rows(damaged([0.8, 0.6, 0.2]), damaged([0.7, 0.6, 0.5]))).startswith(b"\x89PNG")
    (axes,) = panels
    assert (axes.get_title(), axes.get_ylabel()) == ("no_sound: missing", "mrr@10")
    assert lines(axes) == {
        "v0": [(0.0, 0.8), (0.5, 0.6), (1.0, 0.2)],
        "v1": [(0.0, 0.7), (0.5, 0.6), (1.0, 0.5)],
        "chance": [(0.0, 0.1), (0.5, 0.1), (1.0, 0.1)],
    }
    chance = axes.get_lines()[-1]
    assert chance.get_linestyle() == ":"


def test_the_interval_is_a_band_and_one_seed_has_none(panels):
    drawn(rows(damaged([0.8, 0.6, 0.2]), damaged([0.7, 0.6, 0.5], reach=None)))
    band, nothing = (collection.get_paths() for collection in panels[0].collections)
    ys = band[0].vertices[:, 1]
    assert (ys.min(), ys.max()) == (pytest.approx(0.15), pytest.approx(0.85))
    assert not nothing or not len(nothing[0].vertices)


def test_a_strength_that_was_not_tried_is_a_gap(panels):
    drawn(rows(damaged([0.8, None, 0.2]), damaged([None] * 3)))
    assert lines(panels[0])["v0"] == [(0.0, 0.8), (1.0, 0.2)]
    assert lines(panels[0])["v1"] == []


def test_without_a_chance_level_none_is_drawn(panels):
    drawn(rows(damaged([0.8, 0.6, 0.2], chance=None)))
    assert list(lines(panels[0])) == ["v0"]


def test_the_axis_starts_at_zero_unless_a_figure_is_below(panels):
    drawn(rows(damaged([0.82, 0.81, 0.80])))
    drawn(rows(damaged([0.2, 0.0, -0.1])))
    assert panels[0].get_ylim()[0] == 0
    assert panels[1].get_ylim()[0] <= -0.1


def test_each_task_and_kind_has_a_panel_up_to_a_number(panels):
    row = {
        "variant": "v",
        "figures": {},
        "damaged": [damaged([0.8, 0.6, 0.2], f"t{n}", "noise") for n in range(MOST_PANELS + 2)],
    }
    drawn([row])
    assert [axes.get_title() for axes in panels] == [f"t{n}: noise" for n in range(MOST_PANELS)]


def test_the_same_rows_give_the_same_bytes():
    assert drawn(rows(damaged([0.8, 0.6, 0.2]))) == drawn(rows(damaged([0.8, 0.6, 0.2])))


def test_a_study_with_corruptions_has_the_picture_and_a_table_of_what_is_left(study, folder):
    study["rows"][0]["damaged"] = [damaged([0.8, 0.6, 0.2], "missing")]
    study["rows"][1]["damaged"] = [damaged([0.7, 0.6, 0.5], "missing", relative=None)]
    assert [picture.name for picture in pictures(Study.from_json(study), folder)][:4] == [
        "figures",
        "cost",
        "views",
        "damage",
    ]
    left = next(table for table in tables(Study.from_json(study)) if table.title == "Retained under corruption")
    assert left.headings == ["", "missing, mrr@10"]
    assert left.rows == [["plain", "0.700 (0.650 to 0.750)"]]
