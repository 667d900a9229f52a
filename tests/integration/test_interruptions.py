"""Commands that are killed, or asked to end, at random moments lose nothing and leave nothing half-written.

``M5KIT_KILLS=100`` and ``M5KIT_TERMS=20`` ask for more moments than the few of an ordinary run; ``M5KIT_SEED`` draws
others, so that many can be tried in parts.
"""

import json
import os
import random
import signal
import time

import numpy as np
import pytest

from m5kit.runs.damage import damage

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("M5KIT_KILLS", "4"))
TERMS = int(os.environ.get("M5KIT_TERMS", "2"))
SEED = int(os.environ.get("M5KIT_SEED", "1"))
STEPS = 12
LAST = f"step_{STEPS:07d}"


@pytest.fixture(scope="module")
def commands(command_server):
    with command_server("interruptions") as commands:
        yield commands


@pytest.fixture(scope="module")
def whole(commands):
    """An undisturbed run, and how long it took."""
    begun = time.monotonic()
    assert commands.run(*_train("whole")) == 0, (commands.folder / "log.txt").read_text()
    return commands.folder / "whole", time.monotonic() - begun


def _train(run):
    return ["train", "leaf.yaml", "--data", ".", "--run-dir", run]


def _train_on(commands, run):
    return [*_train(run), *["--resume"] * (commands.folder / run / "config.yaml").exists()]


def _same_bits(whole, run):
    for name in ("model.safetensors", "optimizer.safetensors", "random.safetensors"):
        expected, found = (folder / "checkpoints" / LAST / name for folder in (whole, run))
        assert found.read_bytes() == expected.read_bytes(), name
    assert damage(run / "checkpoints" / LAST) is None
    assert not list(run.rglob("*.partial"))


def test_killed_at_random_moments_a_run_ends_with_the_same_bits(commands, whole):
    folder, seconds = whole
    draw, runs, killed = random.Random(SEED), 0, 0
    while killed < KILLS:
        run = f"killed{runs}"
        while commands.interrupt(signal.SIGKILL, draw.uniform(0.05, 1.1) * seconds, *_train_on(commands, run)):
            killed += 1
        _same_bits(folder, commands.folder / run)
        runs += 1


@pytest.mark.parametrize("moment", range(TERMS))
def test_a_run_that_is_asked_to_end_saves_and_goes_on(commands, whole, moment):
    folder, seconds = whole
    run, draw = f"ended{moment}", random.Random(moment)
    code = commands.interrupt(signal.SIGTERM, draw.uniform(0.1, 0.9) * seconds, *_train(run))
    # before training begins there is nothing to save, and the signal ends the process at once
    assert code in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    if code:
        assert commands.run(*_train_on(commands, run)) == 0
    _same_bits(folder, commands.folder / run)


@pytest.mark.parametrize("moment", range(TERMS))
def test_an_evaluation_that_is_asked_to_end_leaves_no_half_results(commands, whole, moment):
    folder, seconds = whole
    code = commands.interrupt(signal.SIGTERM, random.Random(moment).uniform(0, seconds / 2), "evaluate", folder)
    assert code in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    for file in folder.glob("*.json"):
        json.loads(file.read_text())
    assert not list(folder.glob(".*.partial"))


@pytest.mark.parametrize("moment", range(TERMS))
def test_an_export_that_is_asked_to_end_is_whole_or_absent(commands, whole, moment):
    folder, seconds = whole
    out = commands.folder / f"export{moment}.npz"
    words = ("embed", folder, "--data", ".", "--out", out)
    code = commands.interrupt(signal.SIGTERM, random.Random(moment).uniform(0, seconds / 2), *words)
    assert code in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    if out.exists():
        with np.load(out) as file:
            assert len(file["id"]) == 64
    assert not list(commands.folder.glob(f".{out.name}*"))
