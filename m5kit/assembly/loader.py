"""Loaders of a run: worker processes with its limits, which find the same plugins as the process that starts them."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from signal import SIG_DFL, SIG_IGN, SIG_UNBLOCK, SIGINT, SIGTERM, pthread_sigmask, signal
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from m5kit.config import RunConfig
from m5kit.data.dataset import Samples
from m5kit.data.limits import limit_memory
from m5kit.data.loader import WatchedItems, WatchedLoader
from m5kit.data.manifest import Manifest
from m5kit.data.processes import STOPS, signals_held
from m5kit.data.read_ahead import Batches, read_ahead
from m5kit.data.sampler import Costs, StepSampler
from m5kit.data.token_batches import TokenSampler
from m5kit.data.worker_ends import end_at_unsent_batches
from m5kit.plugins import PluginScope


class ScopedLoader(WatchedLoader):
    """Reads batches with worker processes.

    Args:
        items: the dataset.
        scope: the plugins that the items' decoders and transforms come from.
        options: those of :class:`m5kit.data.loader.WatchedLoader`.
    """

    def __init__(self, items: WatchedItems, *, scope: PluginScope, **options: Any) -> None:
        # How many processes decode is the user's choice: some wait for a network, and then more than cores are right.
        warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
        super().__init__(items, **options)
        self.scope = scope

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # torch promises a class of its own
        """Start the workers; a spawned one finds the classes of local files through its environment only."""
        # Torch gives a worker a handler of its own first, by which SIGTERM to the whole group would end it.
        with self.scope.exported(), signals_held():
            return super().__iter__()


def build_loader(
    config: RunConfig,
    items: Dataset[Any],
    samples: Samples,
    sampler: Batches,
    together: Callable[..., Any],
) -> DataLoader[Any]:
    """A loader with the workers, limits and plugins of a run.

    Args:
        config: of the run.
        items: by draw.
        samples: the same items; a worker that dies is named with the one it held.
        sampler: which items make a batch.
        together: makes a batch of items; it is given the run's modalities.
    """
    wanted = config.data
    return ScopedLoader(
        WatchedItems(items, wanted.workers, wanted.item_seconds),
        name=lambda index: samples[index].id,
        batch_sampler=read_ahead(sampler, samples, wanted.window),
        num_workers=wanted.workers,
        collate_fn=partial(together, modalities=tuple(sorted(config.encoders))),
        worker_init_fn=partial(start_worker, memory=wanted.item_memory),
        scope=config.plugins,
        generator=torch.Generator().manual_seed(config.seed),  # else it draws from the state that dropout uses
        pin_memory=torch.cuda.is_available(),
    )


def train_sampler(
    config: RunConfig,
    samples: Manifest,
    groups: NDArray[np.int64] | None = None,
    sizes: NDArray[np.int64] | None = None,
    costs: Costs | None = None,
    rank: int = 0,
    world_size: int = 1,
) -> StepSampler | TokenSampler:
    """Which items make up which batch of a training.

    Args:
        config: of the run.
        samples: the items to train on.
        groups: of each item, where all classes come equally often.
        sizes: tokens of each item, where ``schedule.tokens`` says how large batches are.
        costs: of items, where a batch has so many items; processes then share its costs evenly.
        rank: of this process.
        world_size: how many processes share a batch.
    """
    blocks = samples.blocks() if config.data.window else ()
    order: dict[str, Any] = {"seed": config.seed, "blocks": blocks, "window": config.data.window}
    order |= {"rank": rank, "world_size": world_size}
    if config.schedule.tokens is None:
        batch_size = config.schedule.batch_size
        return StepSampler(size=len(samples), batch_size=batch_size, groups=groups, costs=costs, **order)
    assert sizes is not None, "batches of so many tokens need the tokens of each item"
    return TokenSampler(sizes=sizes, tokens=config.schedule.tokens, **order)


def start_worker(worker: int, memory: float | None) -> None:
    """One thread a worker and bounded memory; Ctrl-C is the main process's business, which saves before it stops."""
    limit_memory(memory)
    end_at_unsent_batches()
    torch.set_num_threads(1)
    signal(SIGINT, SIG_IGN)
    # Schedulers send SIGTERM to the whole group: the first is for the main process alone, a second one ends the worker.
    signal(SIGTERM, lambda number, frame: signal(SIGTERM, SIG_DFL))
    pthread_sigmask(SIG_UNBLOCK, STOPS)  # held since the process was started
