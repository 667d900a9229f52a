"""Before training begins."""

import pytest

from m5kit.cli import main
from m5kit.cli.train import _new_folder


def test_half_of_what_a_launcher_sets_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    assert main(["train", "demo/scale", "--run-dir", str(tmp_path / "run")]) == 2
    assert "WORLD_SIZE is 2, but RANK, MASTER_ADDR, MASTER_PORT are not set" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_default_names_never_collide(tmp_path) -> None:
    names = [_new_folder(tmp_path / "runs" / "demo-scale-1").name for _ in range(3)]
    assert names == ["demo-scale-1", "demo-scale-1-2", "demo-scale-1-3"]
