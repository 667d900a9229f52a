"""``m5kit config check --ranks``: what is printed of a prediction, and that it is made only if it is asked for."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from m5kit.cli import main

NAMES = ("parameters", "gathered", "gradients", "sums", "optimizer", "activations")


def sizes(*mebibytes: int) -> dict[str, int]:
    """What is held, by name, and its total."""
    found = {name: 2**20 * size for name, size in zip(NAMES, mebibytes, strict=True)}
    return {**found, "total": sum(found.values())}


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the verb on a config whose model is one part; the lines after the table of parts."""
    (tmp_path / "mine.yaml").write_text("fusion: {type: mean}\n")
    config = SimpleNamespace(
        name="mine",
        schedule=SimpleNamespace(tokens=None, batch_size=64, precision="bf16"),
        data=SimpleNamespace(root="items"),
    )
    table, memory, asked = ModuleType("table"), ModuleType("memory"), []
    table.describe_model = lambda config: [("fusion", "Mixer", 1200, "b d")]

    def predict(config, ranks, read):
        asked.append((ranks, read))
        whole = SimpleNamespace(**sizes(8, 0, 8, 8, 2048, 40))
        part = SimpleNamespace(**sizes(1, 4, 1, 0, 256, 40))
        return SimpleNamespace(ranks=ranks, items=8, measured=4, read=read, replicas=whole, shards=part)

    memory.predict_memory = predict
    monkeypatch.setitem(sys.modules, "m5kit.assembly.table", table)
    monkeypatch.setitem(sys.modules, "m5kit.training.memory", memory)
    monkeypatch.setattr("m5kit.config.check_config", lambda resolved: config)

    def run(*arguments: str) -> list[str]:
        assert main(["config", "check", str(tmp_path / "mine.yaml"), *arguments]) == 0
        return capsys.readouterr().out.splitlines()[3:]

    run.asked = asked
    return run


def test_nothing_is_predicted_unasked(check):
    assert check() == []
    assert check.asked == []


def test_replicas_and_shards_stand_side_by_side(check):
    assert check("--ranks", "8") == [
        "",
        "memory of each of 8 processes, 8 of 64 items each (estimate):",
        "                       replicas  shards",
        "parameters             8.0 MiB   1.0 MiB",
        "gathered parameters    0.0 MiB   4.0 MiB",
        "gradients              8.0 MiB   1.0 MiB",
        "buffers for their sum  8.0 MiB   0.0 MiB",
        "optimizer state        2.00 GiB  256.0 MiB",
        "activations            40.0 MiB  40.0 MiB",
        "total                  2.06 GiB  302.0 MiB",
        "activations are counted in forward passes of 4 items that have everything in full length; "
        "--data DIR reads yours",
        "precision bf16; what libraries and devices take for themselves comes on top",
        "shards are what a process holds with parallel.shard=true",
    ]
    assert check.asked == [(8, False)]


def test_items_are_read_where_their_folder_is_given(check):
    shown = check("--memory", "--data", "items")
    assert shown[1] == "memory of one process with micro-batches of 64 items (estimate):"
    assert shown[2].split() == ["in", "one"]
    assert "activations are counted in forward passes of 4 items of items" in shown
    assert check.asked == [(1, True)]


def test_no_processes_are_refused(capsys):
    assert main(["config", "check", "demo/scale", "--ranks", "0"]) == 2
    assert "--ranks: expected at least 1, got 0" in capsys.readouterr().err
