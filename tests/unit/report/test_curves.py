"""The picture of one run."""

import json

from PIL import Image

from m5kit.report import curves
from m5kit.report.curves import draw_curves


def test_the_picture_is_the_same_every_time(tmp_path):
    rows = [{"step": step, "loss/a": 2.0 / step, "weight/b": 0.5} for step in (1, 2, 3)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("one.png", "two.png"):
        draw_curves(tmp_path / "metrics.jsonl", tmp_path / name, "run")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_lines_has_an_empty_picture(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("")
    draw_curves(tmp_path / "metrics.jsonl", tmp_path / "empty.png", "run")
    assert (tmp_path / "empty.png").stat().st_size > 1000


def test_a_run_of_one_logged_step_has_dots(tmp_path, monkeypatch):
    drawn = []
    whole = curves.plot_curve

    def plot(axes, curve, style):
        whole(axes, curve, style)
        drawn.append((style.label, axes.get_lines()[-1].get_marker()))

    monkeypatch.setattr(curves, "plot_curve", plot)
    (tmp_path / "metrics.jsonl").write_text('{"step": 5, "loss/a": 2.0, "weight/b": 0.5}')
    draw_curves(tmp_path / "metrics.jsonl", tmp_path / "one.png", "10% off $5 vs $6")
    assert drawn == [("a", "o"), ("b", "o")]


def test_a_run_that_was_looked_at_has_a_larger_picture(tmp_path):
    rows = [{"step": step, "loss/a": 2.0 / step, "weight/b": 0.5, "lr": 0.1} for step in (1, 2)]
    for name, more in (("plain", {}), ("looked_at", {"val/loss/a": 1.0, "val/knn/kind": 0.5, "val/rank/item": 3.0})):
        (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row | more) + "\n" for row in rows))
        draw_curves(tmp_path / "metrics.jsonl", tmp_path / f"{name}.png", "run")
    sizes = [Image.open(tmp_path / f"{name}.png").size for name in ("plain", "looked_at")]
    assert sizes[0] < sizes[1]
