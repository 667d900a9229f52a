"""The hook writes offline, with the real library; nothing is sent."""

import struct
import time

import pytest
import torch

pytest.importorskip("wandb")
from m5kit_wandb import RUN, WandbHook
from wandb.proto.wandb_internal_pb2 import Record

from m5kit.api import ConfigError, Training
from m5kit.testing import check_hook


@pytest.fixture
def training(tmp_path):
    run = Training(torch.nn.Linear(1, 1), tmp_path / "shop-3", max_steps=10)
    run.folder.mkdir()
    (run.folder / "config.yaml").write_text("seed: 7\nmodel: {dim: 16}\n")
    return run


def records(folder):
    """Everything that was written offline; a process of W&B's writes it, and is done shortly after the run."""
    found = []
    for file in sorted(folder.glob("wandb/offline-run-*/run-*.wandb")):
        until = time.monotonic() + 30
        while not (read := whole(file)) and time.monotonic() < until:
            time.sleep(0.05)
        found += read
    return found


def whole(file):
    """The records of a file that has its last one, else none."""
    read = [Record.FromString(data) for data in chunks(file.read_bytes())]
    return read if read and read[-1].HasField("exit") else []


def chunks(data, block=32768):
    """The records of a log in the format of LevelDB, behind a header of 7 bytes: checksum, length, kind, content."""
    place, parts = 7, []
    while place < len(data):
        if block - place % block < 7:  # what is left of a block is padding
            place += block - place % block
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        parts.append(data[place + 7 : place + 7 + length])
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield b"".join(parts)
            parts = []


def figures(folder):
    rows = [record.history for record in records(folder) if record.HasField("history")]
    return [{item.key or "/".join(item.nested_key): item.value_json for item in row.item} for row in rows]


def test_it_keeps_the_contract():
    assert check_hook(WandbHook).ran > 5


def test_figures_and_the_config_are_written_offline(training):
    hook = WandbHook(project="shop", mode="offline", tags=["seed7"])
    hook.before_train(training)
    for training.step in (2, 4):
        hook.after_figures(training, {"loss/contrastive": 1.0 / training.step})
    hook.after_train(training)
    rows = figures(training.folder)
    assert [(row["_step"], row["loss/contrastive"]) for row in rows] == [("2", "0.5"), ("4", "0.25")]
    [run] = [record.run for record in records(training.folder) if record.HasField("run")]
    assert (run.project, run.display_name, run.run_id) == ("shop", "shop-3", (training.folder / RUN).read_text())
    assert {"seed": "7", "model": '{"dim":16}'}.items() <= {
        update.key: update.value_json.replace(" ", "") for update in run.config.update
    }.items()


def test_a_resumed_run_goes_on_under_the_same_id(training):
    for step in (1, 2):
        hook = WandbHook(mode="offline")
        hook.before_train(training)
        training.step = step
        hook.after_figures(training, {"loss": float(step)})
        hook.after_train(training)
    ids = {record.run.run_id for record in records(training.folder) if record.HasField("run")}
    assert ids == {(training.folder / RUN).read_text()}
    assert [row["loss"] for row in figures(training.folder)] == ["1", "2"]


def test_without_a_login_the_remedy_is_named(training, monkeypatch, tmp_path):
    for name, value in {
        "WANDB_API_KEY": "",
        "NETRC": str(tmp_path / "none"),
        "WANDB_BASE_URL": "http://localhost:9",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"hook 'wandb': .*set mode: offline"):
        WandbHook(mode="online").before_train(training)
