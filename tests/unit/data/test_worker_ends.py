import logging
import resource
import threading
import time

import pytest
import torch

from m5kit.data import loader
from m5kit.data.loader import WatchedItems, WatchedLoader
from m5kit.data.worker_ends import end_at_unsent_batches
from m5kit.errors import DataError


def no_large_files(worker):
    end_at_unsent_batches()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def locks(worker):
    end_at_unsent_batches()


@pytest.mark.parametrize(
    ("start", "together", "reason"),
    [
        (no_large_files, lambda items: torch.zeros(10_000), "File too large"),
        (locks, lambda items: threading.Lock(), "cannot pickle"),
    ],
)
def test_a_batch_that_cannot_be_handed_over_is_told_at_once(start, together, reason, monkeypatch, tmp_path):
    monkeypatch.setattr(loader, "POLL", 0.3)
    written = logging.FileHandler(tmp_path / "log.txt")  # nothing else leaves the worker
    monkeypatch.setattr(logging.getLogger("m5kit"), "handlers", [written])
    begun = time.monotonic()
    batches = WatchedLoader(
        WatchedItems(list(range(8)), 1, None),
        name=str,
        num_workers=1,
        collate_fn=together,
        worker_init_fn=start,
        multiprocessing_context="fork",
    )
    with pytest.raises(DataError, match=r"worker 0 made a batch that cannot be handed over.*\(ulimit -f\).*workers: 0"):
        list(batches)
    assert time.monotonic() - begun < 30
    said = (tmp_path / "log.txt").read_text()
    assert "a batch cannot be handed over: " in said
    assert reason in said
