"""Pictures of a study: those for which there are numbers, from the curves that all seeds have."""

import pytest

from m5kit.report import plots
from m5kit.report.plots import Drawing, pictures
from m5kit.report.style import MOST_PANELS
from m5kit.runs.study import Study


def test_pictures_are_png_and_named(study, folder):
    drawn = list(pictures(Study.from_json(study), folder))
    assert [picture.name for picture in drawn] == ["figures", "cost", "views", "losses", "weights"]
    assert all(picture.png.startswith(b"\x89PNG") for picture in drawn)


def test_without_times_and_views_these_pictures_are_left_out(study, folder):
    study["rows"] = study["rows"][:2]
    for row in study["rows"]:
        row["cost"]["seconds"] = {"mean": None, "low": None, "high": None}
    assert [picture.name for picture in pictures(Study.from_json(study), folder)] == ["figures", "losses", "weights"]


def test_missing_figures_leave_gaps_and_break_nothing(study, folder):
    study["rows"][1]["figures"]["coarse/mrr@10"] |= {"values": {}, "mean": None, "low": None, "high": None}
    study["rows"][2]["figures"]["coarse/mrr@10"] |= {"values": {}, "mean": None, "low": None, "high": None}
    assert len(list(pictures(Study.from_json(study), folder))) == 5


@pytest.mark.parametrize("count", [MOST_PANELS + 3])
def test_more_variants_than_panels_can_be_drawn(study, folder, count):
    row = study["rows"][0]
    study["rows"] = [row | {"variant": f"variant {number}"} for number in range(count)]
    assert len(list(pictures(Study.from_json(study), folder))) == 4


def test_many_views_are_drawn_as_choices_of_modalities(study, folder):
    study["views_compared"] = False
    found = {picture.name: picture for picture in pictures(Study.from_json(study), folder)}
    assert found["views"].title == "Every subset of modalities"
    assert "sees only the modalities with a dark dot" in found["views"].note


def test_a_growing_study_is_drawn_as_often_as_its_share_of_time_allows(study, folder, monkeypatch):
    clock, drawn = [100.0], []

    def slow(study, folder):
        drawn.append(clock[0])
        clock[0] += 2.0
        return []

    monkeypatch.setattr(plots, "pictures", slow)
    monkeypatch.setattr(plots.time, "monotonic", lambda: clock[0])
    drawing = Drawing(share=0.1)
    for _ in range(30):
        drawing.of(Study.from_json(study), folder)
        clock[0] += 1.0
    assert drawn == [100.0, 122.0]  # it took 2 s, so 20 s pass before the next
    drawing.of(Study.from_json(study), folder, now=True)
    assert len(drawn) == 3


def test_a_variant_has_one_style_in_all_pictures(study, folder, monkeypatch):
    seen = []
    for name in ("_dots", "_cost", "_subset_grid", "draw_losses", "draw_weights"):
        whole = getattr(plots, name)

        def kept(*given, whole=whole):
            seen.append(given[-1])
            return whole(*given)

        monkeypatch.setattr(plots, name, kept)
    list(pictures(Study.from_json(study), folder))
    assert len(seen) == 5
    assert all(styles == seen[0] for styles in seen)
    assert list(seen[0]) == ["plain", "new_one"]


def test_names_with_dollar_signs_are_drawn(study, folder):
    for row in study["rows"]:
        row["variant"] = f"10% off $100 vs $200 {row['variant']}"
    assert len(list(pictures(Study.from_json(study), folder))) == 5
