"""The global random states of a process, which a checkpoint keeps."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor


def random_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The states of torch (host and devices), numpy and Python as tensors and JSON data."""
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    algorithm, keys, position, has_gauss, gauss = np.random.get_state()  # plugins may use it
    tensors["numpy"] = torch.from_numpy(np.array(keys, dtype=np.uint32).view(np.int32).copy())
    version, words, next_gauss = random.getstate()
    tensors["python"] = torch.tensor(words, dtype=torch.int64)
    described = {"numpy": [algorithm, position, has_gauss, gauss], "python": [version, next_gauss]}
    return tensors, described


def restore_random_state(tensors: Mapping[str, Tensor], described: Mapping[str, Any]) -> None:
    """Set them as they were; a device that was not there then keeps its own."""
    torch.set_rng_state(tensors["torch"])
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            if f"cuda.{index}" in tensors:
                torch.cuda.set_rng_state(tensors[f"cuda.{index}"], index)
    algorithm, position, has_gauss, gauss = described["numpy"]
    keys = tensors["numpy"].numpy().view(np.uint32)
    np.random.set_state((algorithm, keys, position, has_gauss, gauss))
    version, next_gauss = described["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), next_gauss))


@contextmanager
def fixed_random_state() -> Iterator[None]:
    """The states of seed 0, so that nothing of a process is in what it writes; afterwards they are as before."""
    before = random_state()
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    try:
        yield
    finally:
        restore_random_state(*before)
