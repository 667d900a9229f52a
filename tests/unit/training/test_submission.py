"""A job of several processes, on this machine by submitit's own executor."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from m5kit.errors import M5KitError
from m5kit.runs.cluster import open_executor
from m5kit.training.submission import STOPPED, TrainingJob

pytest.importorskip("submitit")
from submitit.core.job_environment import JobEnvironment


class Recorded:
    """Stands for the command line: notes what it was started with; without ``--resume`` it waits to be stopped."""

    def __init__(self, folder: Path, waits: bool) -> None:
        self.folder, self.waits = str(folder), waits

    def __call__(self, arguments):
        stopped = []
        signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
        seen = {"arguments": list(arguments), "pid": os.getpid(), **{name: os.environ[name] for name in names}}
        kind = "resumed" if "--resume" in arguments else "begun"
        Path(self.folder, f"{kind}-{seen['RANK']}-{os.getpid()}.json").write_text(json.dumps(seen))
        while self.waits and kind == "begun" and not stopped:
            time.sleep(0.05)
        return STOPPED if stopped else 0


def started(folder: Path, kind: str, count: int) -> list[dict]:
    """What the processes noted, by rank, when all of them are there."""
    end = time.monotonic() + 120
    while len(list(folder.glob(f"{kind}-*"))) < count:
        assert time.monotonic() < end, "they did not start"
        time.sleep(0.1)
    time.sleep(0.2)  # a file is there before its content
    found = [json.loads(path.read_text()) for path in folder.glob(f"{kind}-*")]
    return sorted(found, key=lambda seen: seen["RANK"])


@pytest.fixture
def executor(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    parameters = {"executor": "local", "tasks_per_node": 2, "timeout_min": 5}
    return open_executor("test", tmp_path / "logs", parameters, "{name}={value}")


def job_of(folder: Path, waits: bool) -> TrainingJob:
    return TrainingJob(_by_value(Recorded)(folder, waits), ["train", "demo/scale"])


def _by_value(kind: type) -> type:
    """So that the job's processes, which cannot import this file, get the class itself."""
    cloudpickle = pytest.importorskip("cloudpickle")
    cloudpickle.register_pickle_by_value(sys.modules[kind.__module__])
    return kind


@pytest.mark.slow
def test_every_process_knows_its_rank_and_where_the_first_one_is(executor, tmp_path):
    job = executor.submit(job_of(tmp_path, waits=False))
    job.results()
    ranks = started(tmp_path, "begun", 2)
    assert [(seen["RANK"], seen["LOCAL_RANK"], seen["WORLD_SIZE"]) for seen in ranks] == [
        ("0", "0", "2"), ("1", "1", "2"),
    ]  # fmt: skip
    assert ranks[0]["MASTER_ADDR"] == ranks[1]["MASTER_ADDR"]
    assert ranks[0]["MASTER_PORT"] == ranks[1]["MASTER_PORT"]
    assert ranks[0]["arguments"] == ["train", "demo/scale"]


@pytest.mark.slow
def test_a_job_that_is_told_of_its_end_saves_first_and_goes_on_in_a_new_one(executor, tmp_path):
    job = executor.submit(job_of(tmp_path, waits=True))
    for seen in started(tmp_path, "begun", 2):
        os.kill(seen["pid"], JobEnvironment._usr_sig())  # as Slurm warns every process
    for seen in started(tmp_path, "resumed", 2):
        assert seen["arguments"] == ["train", "demo/scale", "--resume"]
    job.results()


def test_training_that_fails_fails_the_job(monkeypatch):
    class Environment:
        def export(self, **options):
            return self

    monkeypatch.setattr("submitit.helpers.TorchDistributedEnvironment", Environment)
    before = signal.getsignal(signal.SIGUSR2)
    try:
        with pytest.raises(M5KitError, match="training ended with status 2; the lines above say why"):
            TrainingJob(lambda arguments: 2, ["train"])()
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_a_job_that_goes_on_resumes_once():
    first = TrainingJob(len, ["train", "x"]).checkpoint().function
    assert first.checkpoint().function.arguments == ("train", "x", "--resume")
