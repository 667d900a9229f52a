"""Loads a trained run from its folder."""

from m5kit.collection import no_collection
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
    with allowing(*[LOCAL_PLUGINS] * allow_local_plugins), no_collection():
        run = Run(TrainedRun.open(as_path(path, "path")), threads=threads)
    return run if device is None else run.to(device)
