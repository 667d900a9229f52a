"""Pictures of a study: those for which there are numbers, from the curves that all seeds have."""

import json

import pytest

from m5kit.report import plots
from m5kit.report.plots import Drawing, _mean_curves, pictures
from m5kit.report.style import MOST_PANELS, short_names


def _log(path, rows):
    path.mkdir(parents=True)
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_curves_are_means_over_seeds_at_the_steps_that_all_have(tmp_path):
    _log(tmp_path / "a", [{"step": 1, "loss/x": 1.0, "odd": 1.0}, {"step": 2, "loss/x": 3.0}])
    _log(tmp_path / "b", [{"step": 1, "loss/x": 2.0}, {"step": 3, "loss/x": 9.0}])
    curves = _mean_curves(["a", "b"], tmp_path)
    assert curves == {"loss/x": {1: 1.5}, "step": {1: 1.0}}


def test_runs_that_logged_nothing_have_no_curves(tmp_path):
    assert _mean_curves(["none"], tmp_path) == {}
    assert _mean_curves([], tmp_path) == {}


def test_pictures_are_png_and_named(study, folder):
    drawn = list(pictures(study, folder))
    assert [picture.name for picture in drawn] == ["figures", "cost", "views", "losses", "weights"]
    assert all(picture.png.startswith(b"\x89PNG") for picture in drawn)


def test_without_times_and_views_these_pictures_are_left_out(study, folder):
    study["rows"] = study["rows"][:2]
    for row in study["rows"]:
        row["cost"]["seconds"] = {"mean": None, "low": None, "high": None}
    assert [picture.name for picture in pictures(study, folder)] == ["figures", "losses", "weights"]


def test_missing_figures_leave_gaps_and_break_nothing(study, folder):
    study["rows"][1]["figures"]["coarse/mrr@10"] |= {"values": {}, "mean": None, "low": None, "high": None}
    study["rows"][2]["figures"]["coarse/mrr@10"] |= {"values": {}, "mean": None, "low": None, "high": None}
    assert len(list(pictures(study, folder))) == 5


@pytest.mark.parametrize("count", [MOST_PANELS + 3])
def test_more_variants_than_panels_can_be_drawn(study, folder, count):
    row = study["rows"][0]
    study["rows"] = [row | {"variant": f"variant {number}"} for number in range(count)]
    assert len(list(pictures(study, folder))) == 4


def test_many_views_are_drawn_as_choices_of_modalities(study, folder):
    study["views_compared"] = False
    found = {picture.name: picture for picture in pictures(study, folder)}
    assert found["views"].title == "Whatever is missing"
    assert "sees only the modalities with a dark dot" in found["views"].note


def test_long_names_lose_their_middle_unless_that_makes_two_alike():
    long, other = "a" * 30 + "1" + "b" * 30, "a" * 30 + "2" + "b" * 30
    assert short_names([long, "x"]) == {long: "a" * 17 + "…" + "b" * 16, "x": "x"}
    assert short_names([long, other]) == {long: long, other: other}


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
        drawing.of(study, folder)
        clock[0] += 1.0
    assert drawn == [100.0, 122.0]  # it took 2 s, so 20 s pass before the next
    drawing.of(study, folder, now=True)
    assert len(drawn) == 3
