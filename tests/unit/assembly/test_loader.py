"""Workers are started with the run's plugins in their environment, which is then as before."""

import os

from torch.utils.data import Dataset

from m5kit.assembly.loader import ScopedLoader
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
