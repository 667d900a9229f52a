import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from torch.utils.data import Dataset

from m5kit.data import loader as module
from m5kit.data.loader import WatchedItems, WatchedLoader
from m5kit.errors import DataError


class Items(Dataset):
    """Numbers; of the workers that meet number 9 something becomes."""

    def __init__(self, event=None):
        self.event = event

    def __len__(self):
        return 40

    def __getitem__(self, index):
        if index == 9 and self.event is not None:
            os.kill(os.getpid(), self.event)
        return index


def load(event=None, workers=2, seconds=0.2):
    return WatchedLoader(
        WatchedItems(Items(event), workers, seconds),
        name=lambda index: f"item-{index}",
        num_workers=workers,
        batch_size=4,
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name, value in {"POLL": 0.3, "TALK": 0.5, "GRACE": 2.0}.items():
        monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_come_in_order(workers):
    assert [batch.tolist() for batch in load(workers=workers)] == [list(range(k, k + 4)) for k in range(0, 40, 4)]


def test_too_few_files_for_the_workers_are_told_before_they_start(monkeypatch):
    monkeypatch.setattr(module, "allow_open_files", lambda wanted: wanted < 144)
    with pytest.raises(DataError, match=r"2 loader workers need about 144 open files, .* \(ulimit -n\)"):
        list(load())


def test_a_killed_worker_is_named_with_what_it_held():
    with pytest.raises(DataError, match=r"ended by signal 9; worker \d holds 'item-9'"):
        list(load(signal.SIGKILL))


def test_workers_that_hang_are_told_and_then_ended(caplog):
    begun = time.monotonic()
    with caplog.at_level(logging.WARNING), pytest.raises(DataError, match=r"no loader worker finished .*'item-9'"):
        list(load(signal.SIGSTOP))
    assert "waiting for the loader's workers" in caplog.text
    assert time.monotonic() - begun < 30


def test_the_processs_own_handler_of_ended_children_stays():
    before = signal.getsignal(signal.SIGCHLD)
    assert len(list(load())) == 10
    assert signal.getsignal(signal.SIGCHLD) is before


def test_no_thread_outlives_batches_that_are_closed():
    """A thread that frees tensors while the interpreter ends aborts the process."""
    batches = iter(load())
    next(batches)
    assert "m5kit-loader" in [thread.name for thread in threading.enumerate()]
    batches.close()
    assert "m5kit-loader" not in [thread.name for thread in threading.enumerate()]


_FAILS = """
from functools import partial
from m5kit.assembly.loader import start_worker
from m5kit.data.loader import WatchedItems, WatchedLoader

if __name__ == "__main__":
    items = WatchedItems(list(range(64)), 2, None)
    loader = WatchedLoader(items, name=str, num_workers=2, worker_init_fn=partial(start_worker, memory=None))
    batches = iter(loader)
    next(batches)
    raise RuntimeError("nobody handles this")
"""


def test_an_error_that_nobody_handles_ends_the_process():
    """Workers pass over the one signal that they get at the end of a process."""
    done = subprocess.run([sys.executable, "-c", _FAILS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("nobody handles this")
