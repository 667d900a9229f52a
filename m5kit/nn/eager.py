"""Torch's optimizers without its compiler, whose import takes longer than all else at the start of a run."""

import inspect
from functools import cache
from typing import Any, TypeVar, cast

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)
_GUARDED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")


def eager(kind: type[Kind]) -> type[Kind]:
    """A subclass that computes the same, for steps that are not compiled.

    Torch wraps these methods to keep its compiler out of them, and the wrappers import the compiler for that: two
    seconds, whether or not anything is compiled. The subclass has the methods inside the wrappers. Of what ``step`` is
    wrapped in, one thing matters without a compiler: no gradient is recorded.

    Args:
        kind: one of torch's optimizers that steps without a graph, as all do unless ``differentiable`` is asked for.
    """
    return cast(type[Kind], _subclass(cast(Any, kind)))


@cache  # two optimizers of one kind are of one class
def _subclass(kind: type[Any]) -> type[Any]:
    methods: dict[str, Any] = {}
    for name in _GUARDED:
        methods[name] = inspect.unwrap(getattr(kind, name))
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)
