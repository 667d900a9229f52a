"""Before training begins."""

import pytest

from m5kit.cli import main
from m5kit.cli.train import _new_folder


def test_several_ranks_are_refused_before_they_write_into_one_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["train", "demo/scale", "--run-dir", str(tmp_path / "run")]) != 0
    assert "WORLD_SIZE is 2: m5kit trains in one process as yet" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_default_names_never_collide(tmp_path) -> None:
    names = [_new_folder(tmp_path / "runs" / "demo-scale-1").name for _ in range(3)]
    assert names == ["demo-scale-1", "demo-scale-1-2", "demo-scale-1-3"]
