"""Orthogonal updates for matrices, AdamW for everything else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import enable_grad
from torch.nn import Parameter
from torch.optim import AdamW, Muon, Optimizer

from m5kit.nn.eager import eager
from m5kit.optimizers.base import OptimizerBuilder, ParameterGroup
from m5kit.ranges import Dropout, Share
from m5kit.registry import OPTIMIZERS


@OPTIMIZERS.register_module("muon")
class MuonBuilder(OptimizerBuilder):
    """Muon: the momentum of a matrix is replaced by the nearest orthogonal matrix; the rest learns with AdamW.

    Updates are scaled to the size of those of AdamW, so one learning rate serves both.

    Args:
        momentum: of the matrices' gradients.
        betas: of AdamW.

    Source: Jordan et al., Muon (2024); Liu et al., Muon is scalable for LLM training (2025), Eq. 4.
    """

    def __init__(self, *, momentum: Share = 0.95, betas: tuple[Dropout, Dropout] = (0.9, 0.999)) -> None:
        self.momentum, self.betas = momentum, betas

    def build(self, groups: Sequence[ParameterGroup]) -> Optimizer:
        """Build torch's Muon for the matrices and its AdamW for the rest, joined into one optimizer."""
        matrices, rest = _split(groups)
        beta1, beta2 = self.betas
        parts: list[Optimizer] = []
        if matrices:
            # match_rms_adamw scales the updates, so that the rate of the config means the same as for AdamW.
            parts.append(eager(Muon)(matrices, momentum=self.momentum, adjust_lr_fn="match_rms_adamw"))
        if rest:
            parts.append(eager(AdamW)(rest, betas=(beta1, beta2), fused=True))
        return parts[0] if len(parts) == 1 else eager(JointOptimizer)(parts)


class JointOptimizer(Optimizer):
    """Several optimizers that step together and look like one.

    Args:
        parts: each over parameters of its own.
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = list(parts)
        super().__init__(self._groups(), {})

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step with each."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """All states under one numbering, that of the joined parameters."""
        state: dict[int, Any] = {}
        groups: list[dict[str, Any]] = []
        first = 0
        for part in self.parts:
            own = part.state_dict()
            for index, values in own["state"].items():
                state[first + index] = values
            groups += [_renumbered(group, first) for group in own["param_groups"]]
            first += _size(own["param_groups"])
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Give each its own part of the joined state."""
        groups = list(state_dict["param_groups"])
        first = 0
        for part in self.parts:
            own, groups = groups[: len(part.param_groups)], groups[len(part.param_groups) :]
            last = first + _size(own)
            state = {}
            for index in range(first, last):
                if index in state_dict["state"]:  # a parameter that never had a gradient has no state
                    state[index - first] = state_dict["state"][index]
            part.load_state_dict({"state": state, "param_groups": [_renumbered(group, -first) for group in own]})
            first = last
        self.param_groups = self._groups()  # loading replaces the dicts, and the schedule writes rates to these

    def _groups(self) -> list[dict[str, Any]]:
        """The groups of all parts, the same dicts: a rate written to one of them reaches its optimizer."""
        joined: list[dict[str, Any]] = []
        for part in self.parts:
            joined += part.param_groups
        return joined


def _renumbered(group: dict[str, Any], offset: int) -> dict[str, Any]:
    """The group with ``offset`` added to the numbers of its parameters."""
    return group | {"params": [index + offset for index in group["params"]]}


def _size(groups: Sequence[dict[str, Any]]) -> int:
    """The number of parameters in some groups."""
    return sum(len(group["params"]) for group in groups)


def _split(groups: Sequence[ParameterGroup]) -> tuple[list[ParameterGroup], list[ParameterGroup]]:
    """The groups with their matrices only, and with the rest: vectors and kernels of convolutions."""
    matrices: list[ParameterGroup] = []
    rest: list[ParameterGroup] = []
    for group in groups:
        flat: list[Parameter] = []
        other: list[Parameter] = []
        for parameter in group["params"]:
            (flat if parameter.ndim == 2 else other).append(parameter)
        # no optimizer may be given an empty group
        if flat:
            matrices.append(group | {"params": flat})
        if other:
            rest.append(group | {"params": other})
    return matrices, rest
