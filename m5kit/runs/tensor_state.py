"""States of optimizers and hooks, taken apart into named tensors and JSON data, and put together again."""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor


class Stateful(Protocol):
    """An optimizer or a hook."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> Any: ...


def plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that share no memory, as safetensors wants them."""
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}


def split_optimizer(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimizer's state as named tensors and JSON data."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            (tensors if isinstance(value, Tensor) else numbers)[f"{index}.{name}"] = value
    return tensors, {"numbers": numbers, "param_groups": state["param_groups"]}


def join_optimizer(tensors: Mapping[str, Tensor], described: Mapping[str, Any]) -> dict[str, Any]:
    """The state that :func:`split_optimizer` took apart."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in (*tensors.items(), *described["numbers"].items()):
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = value
    return {"state": state, "param_groups": described["param_groups"]}


def split_hooks(hooks: Mapping[str, Stateful]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The states of hooks as tensors named ``hook/name`` and JSON data by hook."""
    tensors: dict[str, Tensor] = {}
    described: dict[str, Any] = {}
    for hook, part in hooks.items():
        state = part.state_dict()
        tensors |= {f"{hook}/{name}": value for name, value in state.items() if isinstance(value, Tensor)}
        described[hook] = {name: value for name, value in state.items() if not isinstance(value, Tensor)}
    return tensors, described


def load_hooks(hooks: Mapping[str, Stateful], tensors: Mapping[str, Tensor], described: Mapping[str, Any]) -> None:
    """Give hooks the states that :func:`split_hooks` took apart; a hook that is new keeps its own."""
    for hook, part in hooks.items():
        if hook in described:
            own = {name: value for name, value in tensors.items() if name.startswith(f"{hook}/")}
            part.load_state_dict(described[hook] | {name.removeprefix(f"{hook}/"): own[name] for name in own})
