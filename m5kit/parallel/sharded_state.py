"""The state of a sharded run as that of a run without shards: checkpoints hold whole tensors, whoever wrote them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Never, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.parallel.pieces import held, is_sharded, like, piece_of, whole

Sharded = Mapping[nn.Parameter, nn.Parameter]
"""By what an optimizer holds of it, each sharded parameter of the model."""


class HasState(Protocol):
    """An optimizer or a hook."""

    def state_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class SavedModel:
    """The weights of a model, whole, as the first process writes them; the others have none.

    Attributes:
        weights: all of them by name, buffers included.
        learned: names of the parameters.
    """

    weights: Mapping[str, Tensor]
    learned: tuple[str, ...]

    @classmethod
    def of(cls, model: nn.Module, keep: bool) -> "SavedModel":
        """Gather them; only who is to ``keep`` them holds more than one at a time."""
        weights = {}
        for name, value in model.state_dict().items():
            found = whole(value)
            if keep:
                weights[name] = found
        return cls(weights, tuple(name for name, _ in model.named_parameters()))

    def state_dict(self) -> Mapping[str, Tensor]:
        """All weights."""
        return self.weights

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Those that are parameters."""
        return ((name, self.weights[name]) for name in self.learned)

    def parameters(self) -> Iterator[Tensor]:
        """The same without names."""
        return (self.weights[name] for name in self.learned)


@dataclass(frozen=True, slots=True)
class SavedState:
    """The state of an optimizer or a hook, whole, as the first process writes it."""

    state: dict[str, Any]

    @classmethod
    def of(cls, part: HasState, keep: bool) -> "SavedState":
        """Gather the tensors of a part that are sharded; only who is to ``keep`` them holds more than one."""
        state = {}
        for name, value in part.state_dict().items():
            found = whole(value) if isinstance(value, Tensor) and is_sharded(value) else value
            if keep:
                state[name] = found
        return cls(state)

    def state_dict(self) -> dict[str, Any]:
        """The state."""
        return self.state

    def load_state_dict(self, state: dict[str, Any]) -> Never:
        """It is only written."""
        raise NotImplementedError("a state that is saved takes no other")


class ShardedModel:
    """A sharded model that takes whole weights.

    Args:
        model: sharded.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def state_dict(self) -> Mapping[str, Tensor]:
        """Its weights, of which this process has pieces; their shapes are whole."""
        return self.model.state_dict()

    def named_parameters(self, remove_duplicate: bool = True) -> Iterator[tuple[str, nn.Parameter]]:
        """As torch gives them."""
        return self.model.named_parameters(remove_duplicate=remove_duplicate)

    @torch.no_grad()
    def load_state_dict(self, weights: Mapping[str, Tensor]) -> None:
        """Take this process's pieces of them."""
        for name, value in self.model.state_dict().items():
            held(value).copy_(piece_of(weights[name], value))


class ShardedOptimizer:
    """An optimizer of pieces whose state is that of one of whole parameters.

    Args:
        optimizer: of the pieces.
        sharded: what they are pieces of.
    """

    def __init__(self, optimizer: Optimizer, sharded: Sharded) -> None:
        self.optimizer, self.sharded = optimizer, sharded

    def saved(self, keep: bool) -> dict[str, Any]:
        """The whole state, on the host; all processes must ask for it, and only who is to ``keep`` it does."""
        return self._changed(self.optimizer.state_dict(), partial(_joined, keep=keep))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take this process's pieces of it."""
        self.optimizer.load_state_dict(self._changed(state, _cut))

    def _changed(
        self, state: Mapping[str, Any], change: Callable[[Mapping[str, Any], Tensor, Tensor], dict[str, Any]]
    ) -> dict[str, Any]:
        """The state with every tensor of a piece, or of what it is a piece of, changed."""
        numbered: list[nn.Parameter] = []
        for group in self.optimizer.param_groups:
            numbered += group["params"]
        changed = {}
        for index, values in state["state"].items():
            piece = numbered[index]
            changed[index] = change(values, piece, self.sharded[piece]) if piece in self.sharded else values
        return {**state, "state": changed}


def _joined(values: Mapping[str, Any], piece: Tensor, parameter: Tensor, keep: bool) -> dict[str, Any]:
    """Of one parameter, its state whole."""
    joined = {}
    for name, value in values.items():
        # What has another shape belongs to all of the parameter, as the number of its steps.
        if isinstance(value, Tensor) and value.shape == piece.shape:
            value = whole(like(value, parameter))
        if keep:
            joined[name] = value
    return joined


def _cut(values: Mapping[str, Any], piece: Tensor, parameter: Tensor) -> dict[str, Any]:
    """Of one parameter, the piece of its state."""
    cut = {}
    for name, value in values.items():
        if isinstance(value, Tensor) and value.shape == parameter.shape:
            value = piece_of(value, parameter)
        cut[name] = value
    return cut
