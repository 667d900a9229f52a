"""Values that follow from buffers alone, kept from call to call while nothing is trained."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

Value = TypeVar("Value")
Versions = tuple[tuple[Tensor, int], ...]
"""Tensors, and how often each had been changed in place."""


class Kept(Generic[Value]):
    """Computes a value of some tensors again only if they have changed; and always outside of inference mode.

    There a value may get a gradient, or be recorded in a graph, and tensors of inference mode must not be in it.

    Example:
        >>> double, one = Kept(), torch.ones(1)
        >>> with torch.inference_mode():
        ...     first = double((one,), lambda: 2 * one)
        ...     double((one,), lambda: 2 * one) is first
        True
    """

    def __init__(self) -> None:
        self._last: tuple[Versions, Value] | None = None

    def __call__(self, tensors: tuple[Tensor, ...], compute: Callable[[], Value]) -> Value:
        """What ``compute`` gives.

        Args:
            tensors: all that it reads and that may change.
            compute: may be called, or not.
        """
        if not torch.is_inference_mode_enabled() or any(map(Tensor.is_inference, tensors)):
            return compute()  # a tensor of inference mode does not count its changes
        last = self._last
        if last is None or not _unchanged(last[0], tensors):
            now = tuple((each, each._version) for each in tensors)
            # Both in one assignment: another thread must not find a value with the versions of an earlier one.
            self._last = last = (now, compute())
        return last[1]

    def __deepcopy__(self, memo: Any) -> "Kept[Value]":
        return Kept()  # the copy's tensors count their changes anew

    def __reduce__(self) -> tuple[type["Kept[Value]"], tuple[()]]:
        return Kept, ()


def _unchanged(known: Versions, tensors: tuple[Tensor, ...]) -> bool:
    # By identity: another device or type of numbers makes other tensors.
    pairs = zip(known, tensors, strict=True)
    return all(before is each and version == each._version for (before, version), each in pairs)
