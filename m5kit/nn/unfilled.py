"""Building a model for its sizes alone: on the meta device, where initial values are left out."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_DRAWS: frozenset[Callable[..., Any]] = frozenset(
    {Tensor.normal_, Tensor.uniform_, Tensor.bernoulli_, Tensor.exponential_, Tensor.random_}
)
"""The methods that fill a tensor with random numbers."""


@contextmanager
def without_values() -> Iterator[None]:
    """Build modules without memory and without initial values inside a ``with`` block.

    PyTorch's meta device does not store a random draw, but it imports its compiler to trace one: 0.8 s and 0.5 GB.
    """
    with torch.device("meta"), _NoDraws():
        yield


class _NoDraws(TorchFunctionMode):
    """Leaves a tensor as it is where an initializer would fill it."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        # initializers call themselves once more under a mode, with the tensor as a keyword
        if func in _DRAWS or getattr(func, "__module__", None) == nn.init.__name__:
            tensor = args[0] if args else given["tensor"]
            if tensor.is_meta:
                return tensor
        return func(*args, **given)
