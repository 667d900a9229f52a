"""Workers are started with the run's plugins in their environment, which is then as before."""

import os

from torch.utils.data import Dataset

from m5kit.assembly.loader import ScopedLoader
from m5kit.plugins import ALLOW_VARIABLE, PluginScope


class Environment(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return os.environ.get(ALLOW_VARIABLE)


def test_a_worker_sees_the_scope_and_this_process_does_not(monkeypatch):
    monkeypatch.setenv(ALLOW_VARIABLE, "mine")
    loader = ScopedLoader(Environment(), scope=PluginScope().narrowed(["b", "a"]), num_workers=1, batch_size=None)
    assert list(loader) == ["a,b"]
    assert os.environ[ALLOW_VARIABLE] == "mine"
    assert len(loader) == 1
