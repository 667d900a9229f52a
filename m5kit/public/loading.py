"""Loads a trained run from its folder."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from m5kit.data.remote.place import as_path
from m5kit.inference.trained_run import TrainedRun
from m5kit.permissions import LOCAL_PLUGINS, allowing
from m5kit.public.forward import Device, Folder
from m5kit.public.run import Run


def load(
    path: Folder, *, device: Device | None = None, threads: int | None = None, allow_local_plugins: bool = False
) -> Run:
    """Load a trained run.

    Args:
        path: folder of the run.
        device: where the model computes; None for the accelerator that is there, else the CPU.
        threads: how many items are read at the same time; None for one a core, at most eight.
        allow_local_plugins: run the local plugins that the run folder names although no training of this user did.
            They are code: read them first.

    Raises:
        CheckpointError: there is no run, no checkpoint, or the checkpoint belongs to another model.
    """
    with allowing(*[LOCAL_PLUGINS] * allow_local_plugins), _no_collection():
        run = Run(TrainedRun.open(as_path(path)), threads=threads)
    return run if device is None else run.to(device)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage among all objects of torch: 0.1 s, and what is built here is to stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
