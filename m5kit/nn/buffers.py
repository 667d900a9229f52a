"""Buffers of a module as they were at another time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn


def copy_buffers(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all buffers, by name."""
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


@contextmanager
def with_buffers(module: nn.Module, buffers: Mapping[str, Tensor]) -> Iterator[None]:
    """Put other tensors in the places of buffers while the context lasts.

    Nothing is written into a tensor: a graph that was built on one stays valid.

    Example:
        >>> import torch
        >>> norm = nn.BatchNorm1d(1)
        >>> with with_buffers(norm, {"running_mean": torch.ones(1)}):
        ...     norm.running_mean
        tensor([1.])
        >>> norm.running_mean
        tensor([0.])
    """
    own = dict(module.named_buffers())
    _put(module, buffers)
    try:
        yield
    finally:
        _put(module, own)


def _put(module: nn.Module, buffers: Mapping[str, Tensor]) -> None:
    for name, buffer in buffers.items():
        path, _, attribute = name.rpartition(".")
        setattr(module.get_submodule(path), attribute, buffer)
