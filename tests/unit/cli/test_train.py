"""Before training begins."""

import pytest

from m5kit.cli import main


def test_several_ranks_are_refused_before_they_write_into_one_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["train", "demo/scale", "--run-dir", str(tmp_path / "run")]) != 0
    assert "WORLD_SIZE is 2: m5kit trains in one process as yet" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
