"""Training on several processes as a user starts it: equal to one, resumed by any number, ended by any fault."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[2]
EXACT = [*(f"encoder_{m}.dropout=0" for m in ("text", "table", "image")), "fusion.dropout=0"]
SMALL = [
    *(
        "encoder_video=none",
        "encoder_audio=none",
        "data.workers=0",
        "validation.every_steps=0",
        "logging.every_steps=1",
    ),
    *("schedule.batch_size=8", "schedule.max_steps=12", "checkpoint.every_steps=4", "checkpoint.keep=20"),
    *EXACT,
]
LIMIT = 60.0
"""Seconds in which a fault must have ended all processes, on a machine that does something else as well."""

pytestmark = pytest.mark.slow


def command(processes, data, run, *overrides, resume=False, restarts=0, config="demo/scale"):
    launcher = ["-m", "torch.distributed.run", f"--nproc-per-node={processes}", f"--max-restarts={restarts}"]
    launcher += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    words = [sys.executable, *(launcher if processes > 1 else [])]
    words += ["tools/train.py", config, "--data", str(data), "--run-dir", str(run)]
    for override in (*SMALL, *overrides):
        words += ["--set", override]
    return [*words, "--resume"] if resume else words


def start(*arguments, **options):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(*arguments, **options),
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def train(*arguments, **options):
    process = start(*arguments, **options)
    said = end_of(process, 600)
    return process.returncode, said


def end_of(process, seconds):
    """What a launcher said until it ended by itself; one that does not is killed, and fails the test."""
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        for rank in ranks_of(process):
            os.kill(rank, signal.SIGKILL)
        process.kill()
        pytest.fail(f"it did not end within {seconds:g} s\n{process.communicate()[0]}")
    return said


def weights(run, step):
    return load_file(run / "checkpoints" / f"step_{step:07d}" / "model.safetensors")


def difference(a, b):
    assert a.keys() == b.keys()
    return max(float(np.abs(a[name].astype(np.float64) - b[name]).max()) for name in a if a[name].size)


def steps(run):
    return sorted(int(path.name[5:]) for path in (run / "checkpoints").glob("step_*"))


def wait_for(condition, process):
    """Look until something is so; a process that ends before that fails the test with what it said."""
    ends = time.monotonic() + 600
    while not condition():
        if process.poll() is not None or time.monotonic() > ends:
            pytest.fail(end_of(process, 0))
        time.sleep(0.05)


def ranks_of(process):
    """Process ids of a launcher's ranks."""
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def logged(run):
    path = run / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture(scope="module")
def alone(tmp_path_factory, demo):
    run = tmp_path_factory.mktemp("runs") / "alone"
    status, said = train(1, demo, run)
    assert status == 0, said
    return run


@pytest.fixture(scope="module")
def pair(tmp_path_factory, demo):
    run = tmp_path_factory.mktemp("runs") / "pair"
    status, said = train(2, demo, run)
    assert status == 0, said
    assert "2 processes (gloo), each of which is waited for at most 600 s" in said
    assert said.count("run folder:") == 1
    return run


def test_two_processes_give_the_checkpoint_and_the_results_of_one(alone, pair):
    assert difference(weights(alone, 12), weights(pair, 12)) <= 1e-4
    ours, theirs = (json.loads((run / "results.json").read_text())["results"] for run in (pair, alone))
    for task, figures in theirs.items():
        for name, figure in figures.items():
            assert ours[task][name]["value"] == pytest.approx(figure["value"], abs=5e-4), (task, name)


def test_figures_are_those_of_all_processes(alone, pair):
    for ours, theirs in zip(*(read_metrics(run) for run in (pair, alone)), strict=True):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            if name not in ("items_per_second", "data_wait"):
                assert ours[name] == pytest.approx(value, rel=1e-3, abs=1e-4), (theirs["step"], name)


def read_metrics(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_a_run_goes_on_with_any_number_of_processes(tmp_path, demo, pair, processes):
    run = tmp_path / "run"
    subprocess.run(["cp", "-r", str(pair), str(run)], check=True)
    for step in (8, 12):
        subprocess.run(["rm", "-r", str(run / "checkpoints" / f"step_{step:07d}")], check=True)
    (run / "results.json").unlink()
    status, said = train(processes, demo, run, "evaluation=none", resume=True)
    assert status == 0, said
    assert difference(weights(run, 12), weights(pair, 12)) <= 1e-4


@pytest.fixture(scope="module")
def sharded(tmp_path_factory, demo):
    run = tmp_path_factory.mktemp("runs") / "sharded"
    status, said = train(2, demo, run, "parallel.shard=true", "validation.every_steps=4")
    assert status == 0, said
    return run


def test_a_sharded_run_gives_the_checkpoint_and_the_results_of_one(alone, sharded):
    assert difference(weights(alone, 12), weights(sharded, 12)) <= 1e-4
    states = [state_of_optimizer(run, 12) for run in (alone, sharded)]
    assert {name: value.shape for name, value in states[0].items()} == {n: v.shape for n, v in states[1].items()}
    ours, theirs = (json.loads((run / "results.json").read_text())["results"] for run in (sharded, alone))
    for task, figures in theirs.items():
        for name, figure in figures.items():
            assert ours[task][name]["value"] == pytest.approx(figure["value"], abs=5e-4), (task, name)
    assert [row["step"] for row in read_metrics(sharded) if "val/loss" in row] == [4, 8, 12]


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_a_sharded_run_goes_on_with_any_number_of_processes(tmp_path, demo, sharded, processes):
    run = tmp_path / "run"
    subprocess.run(["cp", "-r", str(sharded), str(run)], check=True)
    for step in (8, 12):
        subprocess.run(["rm", "-r", str(run / "checkpoints" / f"step_{step:07d}")], check=True)
    shard = "parallel.shard=true" if processes == 3 else "parallel.shard=false"
    status, said = train(processes, demo, run, shard, "evaluation=none", resume=True)
    assert status == 0, said
    assert difference(weights(run, 12), weights(sharded, 12)) <= 1e-4


def state_of_optimizer(run, step):
    return load_file(run / "checkpoints" / f"step_{step:07d}" / "optimizer.safetensors")


EVERYTHING = """
_base_: {base}
hooks:
  average: {{type: ema, decay: 0.9}}
  enough: {{type: early_stopping, patience: 2, smoothing: 0.0, least: 100.0}}
"""


@pytest.mark.parametrize("shard", ["false", "true"])
def test_what_goes_on_beside_the_steps_is_that_of_one_process(tmp_path, demo, shard):
    """An average of the weights, an early end, a frozen encoder, the best checkpoint: all at once."""
    leaf = tmp_path / "leaf.yaml"
    leaf.write_text(EVERYTHING.format(base=ROOT / "configs/demo/scale.yaml"), encoding="utf-8")
    options = ("freeze=[encoder_text]", "checkpoint.best=val/loss", "validation.every_steps=1", "evaluation=none")
    for processes in (1, 2):
        run = tmp_path / str(processes)
        status, said = train(processes, demo, run, *options, f"parallel.shard={shard}", config=leaf)
        assert status == 0, said
        assert "ended after step 3: loss has not improved for 2 logged steps" in said
    ours, theirs = tmp_path / "2", tmp_path / "1"
    for name in ("model", "hooks"):
        one, other = (load_file(run / "checkpoints" / "best" / f"{name}.safetensors") for run in (theirs, ours))
        assert difference(one, other) <= 1e-4, name
    assert steps(ours) == steps(theirs)
    for mine, his in zip(read_metrics(ours), read_metrics(theirs), strict=True):
        assert {name for name in mine if name.startswith("val/")} == {n for n in his if n.startswith("val/")}


def test_a_run_in_minutes_ends_at_one_step_everywhere(tmp_path, demo):
    run = tmp_path / "run"
    status, said = train(2, demo, run, "schedule.minutes=0.1", "evaluation=none")
    assert status == 0, said
    assert steps(run)[-1] == read_metrics(run)[-1]["step"] > 2
    status, said = train(2, demo, run, "schedule.minutes=0.1", "evaluation=none", resume=True)
    assert status == 0, said
    assert steps(run)[-1] == read_metrics(run)[-1]["step"]


def test_a_signal_to_one_process_stops_all_at_one_step(tmp_path, demo):
    run = tmp_path / "run"
    process = start(2, demo, run, "schedule.max_steps=1000", "checkpoint.every_steps=500")
    wait_for(lambda: logged(run) >= 2, process)
    os.kill(ranks_of(process)[-1], signal.SIGTERM)
    said = end_of(process, LIMIT)
    assert said.count("stopped after saving a checkpoint") == 1, said
    assert steps(run) == [read_metrics(run)[-1]["step"]]


def test_a_signal_to_the_launcher_and_its_processes_saves_once(tmp_path, demo):
    run = tmp_path / "run"
    process = start(2, demo, run, "schedule.max_steps=1000", "checkpoint.every_steps=500")
    wait_for(lambda: logged(run) >= 2, process)
    for rank in ranks_of(process):
        os.kill(rank, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # which the launcher passes on to processes that have it already
    said = end_of(process, LIMIT)
    assert len(steps(run)) == 1, said


def test_a_process_that_dies_ends_all_and_the_run_goes_on(tmp_path, demo):
    """At a drawn moment, whichever it is: nobody hangs, and the newest whole checkpoint is gone on from."""
    run, draws, resume = tmp_path / "run", random.Random(0), False
    for dies in (1, 0):
        before = logged(run)
        process = start(2, demo, run, "schedule.max_steps=1000", "checkpoint.every_steps=2", resume=resume)
        wait_for(lambda before=before: logged(run) > before, process)
        time.sleep(draws.uniform(0, 3))
        newest = steps(run)
        os.kill(ranks_of(process)[dies], signal.SIGKILL)
        said = end_of(process, LIMIT)
        assert process.returncode != 0
        assert "contact with another process was lost" in said
        assert newest == [] or steps(run)[-1] >= newest[-1]
        resume = True
    last = steps(run)[-1]
    status, said = train(1, demo, run, f"schedule.max_steps={last + 2}", "evaluation=none", resume=True)
    assert "a run resumes as it began" in said  # the length is the run's own, and a mistake is told once
    assert status != 0


KILLS = 20


def test_kills_at_random_moments_change_no_bit(tmp_path, demo):
    """One process of two is killed at any moment, at its start too; the run then has the weights of one left alone."""
    options = ("schedule.max_steps=120", "checkpoint.every_steps=3", "checkpoint.keep=3", "evaluation=none")
    undisturbed, run, draws = tmp_path / "undisturbed", tmp_path / "run", random.Random(5)
    status, said = train(2, demo, undisturbed, *options)
    assert status == 0, said
    for kill in range(KILLS):
        before, newest = logged(run), steps(run)[-1:]
        process = start(2, demo, run, *options, resume=(run / "config.yaml").exists())
        wait_for(lambda process=process: len(ranks_of(process)) == 2, process)
        if draws.random() < 0.8:  # otherwise while it is being set up
            wait_for(lambda before=before: logged(run) != before, process)
        time.sleep(draws.uniform(0, 2))
        os.kill(draws.choice(ranks_of(process)), signal.SIGKILL)
        said = end_of(process, LIMIT)
        assert process.returncode != 0, f"kill {kill}\n{said}"
        assert steps(run)[-1:] >= newest, f"kill {kill}\n{said}"
    status, said = train(2, demo, run, *options, resume=True)
    assert status == 0, said
    assert difference(weights(run, 120), weights(undisturbed, 120)) == 0.0
    assert [row["step"] for row in read_metrics(run)] == list(range(1, 121))


def test_a_launcher_starts_a_run_again_from_its_last_checkpoint(tmp_path, demo):
    """Whichever process dies, and also when the new ones die."""
    run, processes = tmp_path / "run", 3
    options = ("checkpoint.every_steps=3", "schedule.max_steps=30", "evaluation=none")
    process = start(processes, demo, run, *options, restarts=2)
    for dies in (-1, 0):
        before = logged(run)
        wait_for(lambda before=before: logged(run) >= before + 4 and len(ranks_of(process)) == processes, process)
        os.kill(ranks_of(process)[dies], signal.SIGKILL)
        wait_for(lambda: len(ranks_of(process)) < processes, process)
    said = end_of(process, 600)
    assert process.returncode == 0, said
    assert steps(run)[-1] == 30
    assert [row["step"] for row in read_metrics(run)] == list(range(1, 31))


def test_a_mistake_names_the_process_that_found_it(tmp_path, demo):
    status, said = train(2, demo, tmp_path / "run", "schedule.batch_size=1")
    assert status != 0
    assert "rank 1: error: " in said
    assert "1 items are too few for 2 processes" in said


def test_muon_in_shards_is_evaluated_and_gone_on_with_by_one(tmp_path, demo):
    """Whole matrices have owners while two hold shards; alone a process has the state of all of them."""
    run, options = tmp_path / "run", ("optimizer=muon", "schedule.max_steps=8")
    status, said = train(2, demo, run, *options, "parallel.shard=true")
    assert status == 0, said
    assert json.loads((run / "results.json").read_text())["results"]
    halfway, finished = weights(run, 4), weights(run, 8)
    subprocess.run(["rm", "-r", str(run / "checkpoints" / "step_0000008")], check=True)
    status, said = train(1, demo, run, *options, "parallel.shard=false", "evaluation=none", resume=True)
    assert status == 0, said
    # Muon iterates in bf16, so what it adds has two or three digits.
    assert apart(weights(run, 8), finished) <= 0.02 * apart(halfway, finished)


def apart(a, b):
    return sum(float(np.square(a[name].astype(np.float64) - b[name]).sum()) for name in a) ** 0.5


TOKENS = ("schedule.tokens=300", "evaluation=none", "checkpoint.every_steps=1000")


def test_batches_of_tokens_stop_at_a_signal_and_go_on_with_any_number(tmp_path, demo):
    whole, run = tmp_path / "whole", tmp_path / "run"
    status, said = train(1, demo, whole, *TOKENS)
    assert status == 0, said
    process = start(2, demo, run, *TOKENS)
    wait_for(lambda: logged(run) >= 2, process)
    process.send_signal(signal.SIGTERM)
    said = end_of(process, LIMIT)
    assert len(steps(run)) == 1, said
    assert steps(run)[0] < 12, said
    for processes in (1, 3):
        again = tmp_path / str(processes)
        subprocess.run(["cp", "-r", str(run), str(again)], check=True)
        status, said = train(processes, demo, again, *TOKENS, resume=True)
        assert status == 0, said
        assert difference(weights(again, 12), weights(whole, 12)) <= 1e-4


def test_chunks_of_batches_of_tokens_give_the_checkpoint_of_one_process(tmp_path, demo):
    for processes in (1, 2):
        status, said = train(processes, demo, tmp_path / str(processes), *TOKENS, "schedule.chunk=3")
        assert status == 0, said
    assert difference(weights(tmp_path / "1", 12), weights(tmp_path / "2", 12)) <= 1e-4
