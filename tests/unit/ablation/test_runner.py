"""Sweeps of fake trials: killed at any moment and resumed they report the same, and trials share nothing."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from m5kit.ablation.analysis import Question, analyse
from m5kit.ablation.local import LocalEngine
from m5kit.ablation.outcomes import of_sweep
from m5kit.ablation.plan import Plan, make_plan
from m5kit.ablation.runner import run_trials, trial_folder
from m5kit.ablation.sweep import Sweep
from m5kit.ablation.trial_folder import Status

FIGURE = "coarse/mrr@10"
SWEEP = Sweep(
    base="demo/scale",
    mode="list",
    vary={"one": (), "broken": ("a=1",), "three": ("a=2",)},
    seeds=(0, 1, 2),
    figures=(FIGURE,),
)


def plan() -> Plan:
    return make_plan(SWEEP, lambda base, overrides: {"changes": list(overrides)})


def sweep(out: Path, command, jobs: int = 2, engine=None, pause: float = 0.0) -> list[tuple[str, int, str]]:
    ended = []

    def task(trial):
        run = trial_folder(out, trial).run
        return {
            "train": command(run, trial.variant, trial.seed, pause),
            "evaluate": None,
            "seconds": None,
            "environment": {},
        }

    def after(trial, status):
        ended.append((trial.variant, trial.seed, status.state))

    run_trials(out, plan().trials, task, engine or LocalEngine(), jobs, after)
    return ended


def report(out: Path) -> str:
    """The study without times."""
    study = analyse(of_sweep(out, plan(), out), Question("fake", "", (FIGURE,)))
    for row in study["rows"]:
        row["cost"] = None
    return json.dumps(study, indent=2)


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
    assert all((folder.run / "begun").exists() for folder in folders)


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


class LostEngine:
    """Its workers vanish without a word."""

    def start(self, folder):
        return self

    def ended(self):
        return "its worker process ended with status -9"

    def stop(self):
        raise AssertionError("it has ended")


def test_a_trial_whose_worker_vanished_has_failed(tmp_path, fake_train):
    ended = sweep(tmp_path, fake_train, engine=LostEngine())
    assert {state for *_, state in ended} == {"failed"}
    lost = Status("failed", "its worker process ended with status -9")
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
