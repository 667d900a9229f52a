"""Curves of training: means over the steps that all seeds have."""

import json

from m5kit.report.learning import mean_curves


def _log(path, rows):
    path.mkdir(parents=True)
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_curves_are_means_over_seeds_at_the_steps_that_all_have(tmp_path):
    _log(tmp_path / "a", [{"step": 1, "loss/x": 1.0, "odd": 1.0}, {"step": 2, "loss/x": 3.0}])
    _log(tmp_path / "b", [{"step": 1, "loss/x": 2.0}, {"step": 3, "loss/x": 9.0}])
    curves = mean_curves(["a", "b"], tmp_path)
    assert curves == {"loss/x": {1: 1.5}, "step": {1: 1.0}}


def test_runs_that_logged_nothing_have_no_curves(tmp_path):
    assert mean_curves(["none"], tmp_path) == {}
    assert mean_curves([], tmp_path) == {}
