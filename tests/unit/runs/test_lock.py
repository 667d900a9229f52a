"""A lock has one holder, and none after a crash."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from m5kit.errors import CheckpointError
from m5kit.runs.lock import single_writer

HOLD = """
import os, sys, time
from pathlib import Path
from m5kit.runs.lock import single_writer
with single_writer(Path(sys.argv[1]), "it"):
    if os.fork() == 0:
        time.sleep(60)  # a data worker, which outlives its parent
    print(os.getpid(), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock, in a group of its own with its worker."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_second_process_is_refused_and_told_who_writes(tmp_path, holder):
    with (
        pytest.raises(CheckpointError, match=rf"the run is being written by process {holder.pid} on "),
        single_writer(tmp_path / "lock", "the run"),
    ):
        pass


def test_a_killed_holder_leaves_no_lock_even_if_its_workers_live_on(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with single_writer(tmp_path / "lock", "the run"):
        assert str(os.getpid()) in (tmp_path / "lock").read_text()


def test_a_second_thread_is_refused_and_the_first_keeps_the_lock(tmp_path):
    with single_writer(tmp_path / "lock", "the run"):
        for _ in range(2):
            with pytest.raises(CheckpointError, match="by this process"), single_writer(tmp_path / "lock", "the run"):
                pass


def test_a_lock_can_be_taken_again(tmp_path):
    for _ in range(2):
        with single_writer(tmp_path / "new" / "lock", "the run"):
            pass


def test_a_folder_that_can_be_none_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="can be no folder: not a directory"):
        single_writer(tmp_path / "file" / "run" / ".lock", "a run").__enter__()


def test_threads_wait_too_where_that_is_asked_for(tmp_path):
    path, order = tmp_path / "lock", []

    def second():
        with single_writer(path, "it", wait=True):
            order.append("second")

    with single_writer(path, "it"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
