"""``m5kit config``: what it prints, and what it refuses."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from m5kit.cli import main


@pytest.fixture
def leaf(tmp_path: Path) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 3\nfusion: {type: scale, hedas: 2}\n")
    return str(path)


def test_show_prints_the_resolved_config_with_origins(leaf: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", leaf, "--set", "schedule.lr=1e-3", "--data", "there"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert f"seed: 3  # {leaf}:1" in shown
    assert "  lr: 0.001  # --set" in shown
    assert "  root: there  # --data" in shown
    assert "  batch_size: 32  # default" in shown


def test_check_reports_every_mistake_and_fails(leaf: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", leaf]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the config has 4 mistakes:\n")
    assert f"{leaf}:2: fusion.hedas: unknown key; did you mean 'heads'?" in error
    assert f"{leaf}: harmonizer: is missing; pick a piece" in error


def test_check_prints_the_parts_of_a_right_config(
    leaf: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Config:
        name = "mine"

    build = ModuleType("build")
    build.describe_model = lambda config: [("fusion", "Mixer", 1200, "b d")]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "m5kit.assembly.table", build)
    monkeypatch.setattr("m5kit.config.check_config", lambda resolved: Config)
    assert main(["config", "check", leaf]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split() == ["fusion", "Mixer", "1,200", "b", "d"]
    assert shown[-1] == "mine: no mistakes; 1,200 parameters"


def test_without_an_action_the_actions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config"]) == 0
    assert "report every mistake" in capsys.readouterr().out
