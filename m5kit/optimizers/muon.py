"""Orthogonal updates for matrices, AdamW for everything else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.optim import AdamW, Muon, Optimizer

from m5kit.optimizers.base import OptimizerBuilder, ParameterGroup
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

    def __init__(self, *, momentum: float = 0.95, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self.momentum, self.betas = momentum, betas

    def build(self, groups: Sequence[ParameterGroup]) -> Optimizer:
        """Torch's two optimizers as one."""
        matrices, rest = _split(groups)
        beta1, beta2 = self.betas
        parts: list[Optimizer] = []
        if matrices:
            parts.append(Muon(matrices, momentum=self.momentum, adjust_lr_fn="match_rms_adamw"))
        if rest:
            parts.append(AdamW(rest, betas=(beta1, beta2), fused=True))
        return parts[0] if len(parts) == 1 else JointOptimizer(parts)


class JointOptimizer(Optimizer):
    """Several optimizers that step together and look like one.

    Args:
        parts: each over parameters of its own.
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = list(parts)
        super().__init__(self._groups(), {})

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step of each."""
        loss = None if closure is None else closure()
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
            first = sum(len(group["params"]) for group in groups)
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Give each its own part of the joined state."""
        groups = list(state_dict["param_groups"])
        first = 0
        for part in self.parts:
            own, groups = groups[: len(part.param_groups)], groups[len(part.param_groups) :]
            last = first + sum(len(group["params"]) for group in own)
            # a parameter that never had a gradient has no state
            state = {index - first: values for index, values in state_dict["state"].items() if first <= index < last}
            part.load_state_dict({"state": state, "param_groups": [_renumbered(group, -first) for group in own]})
            first = last
        self.param_groups = self._groups()  # loading made new ones, and the rates are written to these

    def _groups(self) -> list[dict[str, Any]]:
        joined: list[dict[str, Any]] = []
        for part in self.parts:
            joined += part.param_groups
        return joined


def _renumbered(group: dict[str, Any], offset: int) -> dict[str, Any]:
    return group | {"params": [index + offset for index in group["params"]]}


def _split(groups: Sequence[ParameterGroup]) -> tuple[list[ParameterGroup], list[ParameterGroup]]:
    """Groups of the matrices, and of what is no matrix: vectors, and kernels of convolutions."""
    matrices: list[ParameterGroup] = []
    rest: list[ParameterGroup] = []
    for group in groups:
        for wanted, kind in ((matrices, True), (rest, False)):
            chosen = [parameter for parameter in group["params"] if (parameter.ndim == 2) is kind]
            if chosen:
                wanted.append(group | {"params": chosen})
    return matrices, rest
