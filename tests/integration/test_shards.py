"""Training from shards is training from the files they were made of; a kill changes nothing in them."""

import json
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shards(tool, demo, tmp_path_factory):
    out = tmp_path_factory.mktemp("data") / "demo.shards"
    tool("-m", "m5kit", "data", "prepare", demo, "--out", out, "--items", "32", "--jobs", "1")
    return out


def losses(run):
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    # how long a step took is of this machine and this minute
    return [{key: value for key, value in json.loads(line).items() if "loss" in key or key == "step"} for line in lines]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_losses_and_figures_are_those_of_the_loose_files(tool, short, trained, shards, tmp_path):
    run = tmp_path / "run"
    tool("tools/train.py", "configs/demo/scale.yaml", "--data", shards, "--run-dir", run, *short())
    assert losses(run) == losses(trained[0])
    assert len(losses(run)) == 6
    first, second = (json.loads((folder / "results.json").read_text())["results"] for folder in (trained[0], run))
    assert first == second


def test_a_run_on_loose_files_embeds_shards_to_the_same_bits(tool, demo, trained, shards, tmp_path):
    for name, folder in (("loose", demo), ("shards", shards)):
        tool("-m", "m5kit", "embed", trained[0], "--data", folder, "--split", "test", "--out", tmp_path / f"{name}.npz")
    assert (tmp_path / "loose.npz").read_bytes() == (tmp_path / "shards.npz").read_bytes()


def test_a_config_that_asks_for_larger_pictures_is_refused(tool, short, demo, tmp_path):
    out = tmp_path / "small.shards"
    tool(
        "-m", "m5kit", "data", "prepare", demo, "--out", out, "--jobs", "1",
        "--prepare", "image=jpeg,size=16", "--prepare", "audio=flac,rate=4000",
    )  # fmt: skip
    done = tool("tools/train.py", "demo/scale", "--data", out, "--run-dir", tmp_path / "r", *short(), check=False)
    assert done.returncode == 2
    assert "input_image asks for size" in done.stderr
    assert "input_audio asks for rate 16000" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_writer_that_is_killed_again_and_again_writes_the_same_bytes(demo, shards, tmp_path):
    out, draws = tmp_path / "demo.shards", random.Random(0)
    command = [sys.executable, "-m", "m5kit", "data", "prepare", demo, "--out", out, "--items", "32", "--jobs", "2"]
    killed = 0
    for _ in range(30):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if killed < 6:
            # some die while they start, some in the middle of a shard, some between two
            if draws.random() < 0.7:
                process.stdout.readline()
            time.sleep(draws.random() * 0.05)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        elif process.wait() == 0:
            break
    assert killed
    assert contents(out) == contents(shards)


@pytest.mark.slow
def test_the_commands_and_the_code_of_the_page_run(tool, demo, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "howto" / "shards.md").read_text(encoding="utf-8")
    (tmp_path / "shop").symlink_to(demo)
    commands = re.findall(r"^\$ m5kit (.*)$", page, flags=re.MULTILINE)
    assert len(commands) == 7
    for command in commands:
        tool("-m", "m5kit", *shlex.split(command), cwd=tmp_path)
    assert (tmp_path / "runs" / "shop" / "results.json").exists()
    for made in ("small.shards", "fast.shards"):
        assert (tmp_path / made / "annotations.jsonl").exists()
    pytest.importorskip("webdataset")
    monkeypatch.chdir(tmp_path)
    found = {}
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(compile(code, "shards.md", "exec"), found)
    assert json.loads(found["row"])["id"]
