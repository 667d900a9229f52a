"""Sweeps of fake trials: killed at any moment and resumed they report the same, and trials share nothing."""

import json
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from m5kit.ablation.analysis import Question, analyse
from m5kit.ablation.local import LocalEngine
from m5kit.ablation.outcomes import of_sweep
from m5kit.ablation.plan import Plan, make_plan
from m5kit.ablation.runner import queue_failed, run_trials, trial_folder
from m5kit.ablation.sweep import Sweep
from m5kit.report.page import write_report
from m5kit.runs.sweep_folder import TrialStatus

FIGURE = "coarse/mrr@10"
SWEEP = Sweep(
    base="demo/scale",
    mode="list",
    vary={"one": (), "broken": ("a=1",), "three": ("a=2",)},
    seeds=(0, 1, 2),
    metrics=(FIGURE,),
)


def plan() -> Plan:
    return make_plan(SWEEP, lambda base, overrides: {"changes": list(overrides)})


def sweep(
    out: Path, command, jobs: int = 2, engine=None, pause: float = 0.0, report=lambda out: None
) -> list[tuple[str, int, str]]:
    ended = []

    def task(trial):
        run = trial_folder(out, trial).run.path
        return {
            "train": command(run, trial.variant, trial.seed, pause),
            "evaluate": None,
            "seconds": None,
            "environment": {},
        }

    def after(trial, status):
        ended.append((trial.variant, trial.seed, status.state))
        report(out)

    run_trials(out, plan().trials, task, engine or LocalEngine(), jobs, after)
    return ended


def report(out: Path) -> str:
    """The study without times."""
    study = analyse(of_sweep(out, plan(), out), Question("fake", "", (FIGURE,)))
    timeless = replace(study, rows=[replace(row, cost=None) for row in study.rows])
    return json.dumps(timeless.as_json(), indent=2)


def write_files(out: Path) -> None:
    """The report as ``m5kit ablate`` writes it, without times."""
    found = of_sweep(out, plan(), out)
    timeless = [replace(o, status=replace(o.status, seconds=1.0, memory=2**20)) for o in found.outcomes]
    write_report(analyse(replace(found, outcomes=timeless), Question("fake", "", (FIGURE,))), out)


def files(out: Path) -> dict[str, bytes]:
    # a process that is killed while it writes leaves a hidden file beside the one that it had meant to replace
    return {path.name: path.read_bytes() for path in (*out.glob("r*.*"), *out.glob("pictures/[!.]*"))}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, fake_train) -> tuple[Path, list]:
    out = tmp_path_factory.mktemp("whole")
    return out, sweep(out, fake_train, jobs=3)


def test_every_trial_ends_and_a_failed_one_stops_nothing(whole):
    _, ended = whole
    assert sorted(ended) == sorted(
        (variant, seed, "failed" if variant == "broken" else "done")
        for variant in ("one", "broken", "three")
        for seed in (0, 1, 2)
    )


def test_the_report_shows_figures_and_failures(whole):
    study = json.loads(report(whole[0]))
    assert [row["variant"] for row in study["rows"]] == ["one", "three"]
    assert study["rows"][0]["figures"][FIGURE]["mean"] == pytest.approx(0.31)
    assert study["progress"] == {"done": 6, "failed": 3, "left": 0}
    assert [(f["variant"], f["seed"]) for f in study["failed"]] == [("broken", 0), ("broken", 1), ("broken", 2)]
    assert study["failed"][0]["reason"] == "the harmonizer fell out of tune\nhint: tune it"
    assert (whole[0] / study["failed"][0]["log"]).read_text().startswith("training\n")


def test_every_trial_has_a_folder_of_its_own(whole):
    folders = [trial_folder(whole[0], trial) for trial in plan().trials]
    assert len({folder.path for folder in folders}) == 9
    assert all(folder.status.state in ("done", "failed") for folder in folders)
    assert all((folder.run.path / "begun").exists() for folder in folders)


def test_what_has_ended_is_not_run_again(whole, fake_train):
    assert sweep(whole[0], fake_train) == []


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments_and_resumed_it_gives_the_same_report(whole, fake_train, tmp_path, seed):
    moments = random.Random(seed)
    code = (
        f"import importlib.util as u\n"
        f"s = u.spec_from_file_location('swept', {__file__!r}); m = u.module_from_spec(s); s.loader.exec_module(m)\n"
        f"m.sweep(m.Path({str(tmp_path)!r}), lambda run, variant, seed, pause: "
        f"{fake_train(Path('RUN'), 'VARIANT', 0)[:3]!r} + [str(run), variant, str(seed), str(pause)], pause=0.4)\n"
    )
    left = []
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", code])
        time.sleep(moments.uniform(0.6, 1.6))
        process.send_signal(moments.choice((signal.SIGKILL, signal.SIGTERM)))
        process.wait(20)
        left.append(json.loads(report(tmp_path))["progress"]["left"])
    assert left[0] > 0
    sweep(tmp_path, fake_train)
    assert report(tmp_path) == report(whole[0])


def count_ended(out: Path) -> int:
    return sum(trial_folder(out, trial).status.state in ("done", "failed") for trial in plan().trials)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_moments_every_file_of_the_report_comes_out_the_same(whole, fake_train, tmp_path, seed):
    moments = random.Random(seed)
    code = (
        f"import importlib.util as u\n"
        f"s = u.spec_from_file_location('swept', {__file__!r}); m = u.module_from_spec(s); s.loader.exec_module(m)\n"
        f"print('go', flush=True)\n"
        f"m.sweep(m.Path({str(tmp_path)!r}), lambda run, variant, seed, pause: "
        f"{fake_train(Path('RUN'), 'VARIANT', 0)[:3]!r} + [str(run), variant, str(seed), str(pause)], pause=0.3, "
        f"report=m.write_files)\n"
    )
    for ended in sorted(moments.choices(range(6), k=5)):  # counted in trials, so that no machine is too quick for it
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"go\n"
        while count_ended(tmp_path) < ended and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.25))
        process.kill()
        process.wait(20)
    assert count_ended(tmp_path) < 9
    sweep(tmp_path, fake_train, report=write_files)
    write_files(tmp_path)
    write_files(whole[0])
    assert files(tmp_path) == files(whole[0])
    assert {"report.html", "report.md", "report.csv", "runs.csv", "report.tex", "figures.png"} < files(tmp_path).keys()


WATCHED = """
import json, os, sys, time
from pathlib import Path

run = Path(sys.argv[1])
run.mkdir()
began = time.monotonic()
time.sleep(1.5)
links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
(run / "results.json").write_text('{"results": {}, "skipped": {}}')
(run / "seen.json").write_text(json.dumps({
    "session": os.getsid(0),
    "files": sorted({os.readlink(link) for link in links if os.path.lexists(link)}),
    "began": began, "ended": time.monotonic()}))
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see what a process holds open")
def test_trials_started_at_the_same_moment_share_nothing(tmp_path):
    script = tmp_path / "watched.py"
    script.write_text(WATCHED)
    out = tmp_path / "out"
    sweep(out, lambda run, *_: [sys.executable, "-S", str(script), str(run)], jobs=3)
    trials = [trial_folder(out, trial) for trial in plan().trials]
    seen = [json.loads((trial.run.path / "seen.json").read_text()) for trial in trials]
    assert max(each["began"] for each in seen[:3]) < min(each["ended"] for each in seen[:3])
    assert len({each["session"] for each in seen}) == len(trials)
    for trial, each in zip(trials, seen, strict=True):
        held = {path for path in each["files"] if path.startswith(str(tmp_path)) and path != str(script)}
        assert held == {str(trial.log), str(trial.path / "lock")}
        assert not any(path.startswith(("pipe:", "socket:")) for path in each["files"])


class CountingEngine:
    """Counts what was started; everything has ended at once."""

    started = 0

    def start(self, folder):
        self.started += 1
        return self

    def ended(self):
        return "gone"

    def stop(self):
        raise AssertionError("it has ended")


def test_the_next_trial_starts_before_the_report_of_the_last_is_written(tmp_path, fake_train):
    engine = CountingEngine()
    seen = []
    sweep(tmp_path, fake_train, jobs=1, engine=engine, report=lambda out: seen.append(engine.started))
    assert seen == [2, 3, 4, 5, 6, 7, 8, 9, 9]


class LostEngine:
    """Its workers vanish without a word."""

    def start(self, folder):
        return self

    def ended(self):
        return "its worker process ended with status -9"

    def stop(self):
        raise AssertionError("it has ended")


def test_failed_trials_alone_run_again_where_that_is_asked_for(tmp_path, fake_train):
    trials = plan().trials
    for number, trial in enumerate(trials):
        folder = trial_folder(tmp_path, trial)
        folder.path.mkdir()
        folder.set_status(TrialStatus("done" if number % 2 else "failed", "the disk is full"))
    assert sweep(tmp_path, fake_train) == []
    queue_failed(tmp_path, trials)
    again = [(trial.variant, trial.seed) for trial in trials[::2]]
    assert sorted((variant, seed) for variant, seed, _ in sweep(tmp_path, fake_train)) == sorted(again)


def test_a_trial_whose_worker_vanished_has_failed(tmp_path, fake_train):
    ended = sweep(tmp_path, fake_train, engine=LostEngine())
    assert {state for *_, state in ended} == {"failed"}
    lost = TrialStatus("failed", "its worker process ended with status -9")
    assert [trial_folder(tmp_path, trial).status for trial in plan().trials] == [lost] * 9


class BreakingEngine:
    """The second start is interrupted."""

    def __init__(self):
        self.stopped = 0

    def start(self, folder):
        if self.stopped == 0 and getattr(self, "started", False):
            raise KeyboardInterrupt
        self.started = True
        return self

    def ended(self):
        return None

    def stop(self):
        self.stopped += 1


def test_an_interrupt_stops_what_runs_and_fails_nothing(tmp_path, fake_train):
    engine = BreakingEngine()
    with pytest.raises(KeyboardInterrupt):
        sweep(tmp_path, fake_train, engine=engine)
    assert engine.stopped == 1
    assert {trial_folder(tmp_path, trial).status.state for trial in plan().trials} == {"queued"}
