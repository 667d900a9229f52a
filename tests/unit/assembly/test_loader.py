"""Workers are started with the run's plugins in their environment, which is then as before."""

import os
import signal

from torch.utils.data import Dataset

from m5kit.assembly.loader import ScopedLoader, start_worker
from m5kit.data.loader import WatchedItems
from m5kit.plugins import ALLOW_VARIABLE, PluginScope


class Environment(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return os.environ.get(ALLOW_VARIABLE)


def test_a_worker_sees_the_scope_and_this_process_does_not(monkeypatch):
    monkeypatch.setenv(ALLOW_VARIABLE, "mine")
    items, scope = WatchedItems(Environment(), 1, None), PluginScope().narrowed(["b", "a"])
    loader = ScopedLoader(items, name=str, scope=scope, num_workers=1, batch_sampler=[[0]], collate_fn=list)
    assert list(loader) == [["a,b"]]
    assert os.environ[ALLOW_VARIABLE] == "mine"
    assert len(loader) == 1


def begin_late(worker):
    os.kill(os.getpid(), signal.SIGTERM)  # a scheduler ends the whole group just now
    start_worker(worker, None)


def test_a_signal_that_comes_while_workers_start_is_for_the_main_process_alone(monkeypatch):
    monkeypatch.setenv(ALLOW_VARIABLE, "mine")
    options = {"num_workers": 1, "batch_sampler": [[0]], "collate_fn": list, "worker_init_fn": begin_late}
    items, scope = WatchedItems(Environment(), 1, None), PluginScope().narrowed(["a"])
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert list(ScopedLoader(items, name=str, scope=scope, **options)) == [["a"]]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
