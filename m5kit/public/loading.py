"""Loads a trained run from its folder."""

from pathlib import Path

from m5kit.inference.trained_run import TrainedRun
from m5kit.public.forward import Device, Folder
from m5kit.public.run import Run


def load(path: Folder, *, device: Device | None = None, threads: int | None = None) -> Run:
    """Load a trained run.

    Args:
        path: folder of the run.
        device: where the model computes; None for the accelerator that is there, else the CPU.
        threads: how many items are read at the same time; None for one a core, at most eight.

    Raises:
        CheckpointError: there is no run, no checkpoint, or the checkpoint belongs to another model.
    """
    run = Run(TrainedRun.open(Path(path)), threads=threads)
    return run if device is None else run.to(device)
