"""Which device a process computes on."""

import torch


def default_device() -> torch.device:
    """The accelerator that is there, else the CPU.

    A process of several takes the accelerator that ``torch.cuda.set_device`` (or its like) chose for it.
    """
    if torch.accelerator.is_available():
        kind = torch.accelerator.current_accelerator()
        if kind is not None:
            return torch.device(kind.type, torch.accelerator.current_device_index())
    return torch.device("cpu")
