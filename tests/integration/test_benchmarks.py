"""Benchmarks that stand on parts of a run that they make up: in small, so that they do not rot unseen."""

from m5kit.cli import main


def test_frozen_cache_still_runs(capfd):
    assert main(["bench", "frozen_cache", "--items", "40", "--size", "32", "--layers", "1", "--width", "64"]) == 0
    assert "later epochs and runs" in capfd.readouterr().out
