"""What a run logged, as curves."""

from m5kit.runs.metrics import read_curves


def test_every_name_is_a_curve_over_the_steps(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"step": 1, "loss": 3}\n{"step": 2, "loss": 2.5, "lr": 0.1}\n')
    assert read_curves(tmp_path / "m.jsonl") == {"step": {1: 1, 2: 2}, "loss": {1: 3, 2: 2.5}, "lr": {2: 0.1}}


def test_a_line_that_a_killed_run_left_half_written_is_passed_over(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"step": 1, "loss": 3}\n{"step": 2, "lo')
    assert read_curves(tmp_path / "m.jsonl") == {"step": {1: 1}, "loss": {1: 3}}


def test_values_that_are_no_numbers_are_left_out(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"step": 1, "loss": NaN, "lr": Infinity, "note": "x"}\n[1]\n{"loss": 1}\n')
    assert read_curves(tmp_path / "m.jsonl") == {"step": {1: 1}}


def test_a_run_that_logged_nothing_has_no_curves(tmp_path):
    assert read_curves(tmp_path / "none.jsonl") == {}
