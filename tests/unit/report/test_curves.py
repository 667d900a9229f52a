"""The picture of one run."""

import json

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
