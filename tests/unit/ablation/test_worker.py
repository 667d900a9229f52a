"""One trial: what it leaves, how it fails, and that nothing of it survives its sweep."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from m5kit.ablation.worker import ATTACHED, count_parameters, run_trial
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import write_json
from m5kit.runs.sweep_folder import TrialFolder, TrialStatus


@pytest.fixture
def folder(tmp_path):
    return TrialFolder(tmp_path / "trial")


def run(folder, task):
    write_json(folder.task, task)
    run_trial(folder.path)
    return folder.status


def test_a_done_trial_tells_what_it_cost(folder, fake_task):
    status = run(folder, fake_task(folder.run.path, pause=0.2))
    assert (status.state, status.reason, status.parameters) == ("done", None, None)
    assert status.seconds >= 0.2
    assert 2**20 < status.memory < 2**36  # Linux counts what this process held when it forked
    assert folder.log.read_text() == "training\n"


def test_a_failed_trial_says_what_m5kit_said(folder, fake_task):
    status = run(folder, fake_task(folder.run.path, "broken"))
    assert status == TrialStatus("failed", "the harmonizer fell out of tune\nhint: tune it")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; print('why'); sys.exit(3)", "why"),
        ("import sys; sys.exit(3)", "it ended with status 3 and without any output"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL (was there enough memory?)"),
        ("import os; os.kill(os.getpid(), 15)", "killed by SIGTERM"),
    ],
)
def test_other_ends_are_told_too(folder, fake_task, code, reason):
    assert run(folder, fake_task(folder.run.path, train=[sys.executable, "-c", code])) == TrialStatus("failed", reason)


def test_a_trial_that_takes_too_long_is_stopped(folder, fake_task):
    began = time.monotonic()
    status = run(folder, fake_task(folder.run.path, pause=60, seconds=0.5))
    assert status == TrialStatus("failed", "stopped: it took longer than its budget of 0.5 s")
    assert time.monotonic() - began < 20


def test_further_views_are_evaluated_after_training_and_their_words_are_kept(folder, fake_task):
    code = f"import os; print(sorted(os.listdir({str(folder.run.path)!r})))"
    status = run(folder, fake_task(folder.run.path, evaluate=[sys.executable, "-c", code]))
    assert status.state == "done"
    assert folder.log.read_text() == "training\n['begun', 'metrics.jsonl', 'results.json']\n"


def test_views_that_cannot_be_evaluated_fail_the_trial(folder, fake_task):
    code = "import sys; sys.exit('error: the run has no audio')"
    status = run(folder, fake_task(folder.run.path, evaluate=[sys.executable, "-c", code]))
    assert status == TrialStatus("failed", "the run has no audio")


def test_the_environment_is_that_of_the_task(folder, fake_task):
    code = "import os; print(os.environ['OMP_NUM_THREADS'])"
    run(folder, fake_task(folder.run.path, train=[sys.executable, "-c", code], environment={"OMP_NUM_THREADS": "7"}))
    assert folder.log.read_text() == "7\n"


def test_an_ended_trial_is_not_run_again(folder, fake_task):
    run(folder, fake_task(folder.run.path))
    before = (folder.run.path / "begun").stat().st_mtime_ns
    run(folder, fake_task(folder.run.path, "broken"))
    assert folder.status.state == "done"
    assert (folder.run.path / "begun").stat().st_mtime_ns == before


def test_what_a_cut_off_trial_left_is_cleared(folder, fake_task):
    folder.run.path.mkdir(parents=True)
    (folder.run.path / "torn").write_text("half a run")
    folder.set_status(TrialStatus("running"))
    assert run(folder, fake_task(folder.run.path)).state == "done"
    assert not (folder.run.path / "torn").exists()


def _worker(folder):
    command = [sys.executable, "-m", "m5kit.ablation.worker", str(folder.path), ATTACHED]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def _until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # a killed child of nobody may stay as a zombie
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_worker_whose_sweep_is_gone_ends_with_its_trial_which_has_not_failed(folder, fake_task, tmp_path):
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    write_json(folder.task, fake_task(folder.run.path, train=[sys.executable, "-c", code]))
    worker = _worker(folder)
    _until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    worker.stdin.close()
    assert worker.wait(20) == 1
    _until(lambda: not _alive(int((tmp_path / "pid").read_text())))
    assert folder.status == TrialStatus("running")


def test_two_workers_never_run_one_trial_at_once(folder, fake_task):
    write_json(folder.task, fake_task(folder.run.path, pause=0.7))
    began = time.monotonic()
    workers = [_worker(folder), _worker(folder)]  # the fake training fails if its folder exists
    assert [worker.wait(30) for worker in workers] == [0, 0]
    assert time.monotonic() - began >= 0.7
    assert folder.status.state == "done"
    for worker in workers:
        worker.stdin.close()


def test_parameters_are_counted_in_the_last_checkpoint(tmp_path):
    assert count_parameters(RunFolder(tmp_path)) is None
    for step, size in (("step_1", 3), ("step_2", 5)):
        (tmp_path / "checkpoints" / step).mkdir(parents=True)
        tensors = {"a": np.zeros((2, size), np.float32), "b": np.zeros((), np.float32)}
        save_file(tensors, tmp_path / "checkpoints" / step / "model.safetensors", metadata={"format": "pt"})
    assert count_parameters(RunFolder(tmp_path)) == 11


def test_shared_parameters_are_counted_once(tmp_path):
    class Shared(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Linear(3, 4)
            self.other = self.one

    model = Shared()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    checkpoint.save(tmp_path / "checkpoints", 5, model, optimizer, keep=1)
    assert count_parameters(RunFolder(tmp_path)) == 3 * 4 + 4


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 64, b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"3 "]
)
def test_parameters_of_a_damaged_checkpoint_cannot_be_told(tmp_path, content):
    place = tmp_path / "checkpoints/step_0000001"
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(content)
    assert count_parameters(RunFolder(tmp_path)) is None
    (place / "state.json").write_text("[]")
    assert count_parameters(RunFolder(tmp_path)) is None


def test_a_worker_that_cannot_write_its_status_says_so_in_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "m5kit.ablation.worker", str(tmp_path / "file" / "trial")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
