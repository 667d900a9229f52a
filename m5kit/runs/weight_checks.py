"""Refuses weights that should not be saved, and saved ones that are not those of the model."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from m5kit.errors import CheckpointError


def require_finite(
    step: int, model: nn.Module, optimizer: Mapping[str, Tensor], offered: Mapping[str, Tensor] = MappingProxyType({})
) -> None:
    """Refuse to save what an update has made infinite or NaN, as too large a learning rate does.

    Args:
        step: after which it would be saved.
        model: its parameters count; a buffer may hold infinities on purpose, as a mask does.
        optimizer: the tensors of its state by name.
        offered: weights that a hook offers instead of the trained ones.
    """
    states = {f"the optimizer's {name}": values for name, values in optimizer.items()}
    for name in not_finite({**dict(model.named_parameters()), **states, **offered}):
        raise CheckpointError(
            f"{name} is not finite after step {step}, so nothing was saved; lower schedule.lr or schedule.clip; "
            "--resume goes on from the last checkpoint"
        )


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors that hold NaN or infinities."""
    floating = {name: values for name, values in tensors.items() if values.is_floating_point()}
    return [name for name, values in floating.items() if not values.isfinite().all()]


def require_same_weights(expected: Mapping[str, Tensor], saved: Mapping[str, Tensor], checkpoint: Path) -> None:
    """Refuse weights of another model, naming what differs."""
    problems = [f"{name} is not in it" for name in expected.keys() - saved.keys()]
    problems += [f"{name} is unknown to the model" for name in saved.keys() - expected.keys()]
    for name in expected.keys() & saved.keys():
        there, here = tuple(saved[name].shape), tuple(expected[name].shape)
        if there != here:
            problems.append(f"{name} is {there} there and {here} here")
    if problems:
        listed = "\n  ".join(sorted(problems)[:10])
        raise CheckpointError(
            f"{checkpoint} was made by another model ({len(problems)} differences):\n  {listed}\n"
            "A run of an earlier m5kit opens with that version only; its provenance.json names version and commit"
        )


def require_same_sharing(model: nn.Module, saved: Mapping[str, Tensor], checkpoint: Path) -> None:
    """Refuse a checkpoint that holds two different weights for what the model shares."""
    first: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        other = first.setdefault(id(parameter), name)
        if other != name and not torch.equal(saved[other], saved[name]):
            raise CheckpointError(
                f"{checkpoint} was made by another model: {other} and {name} are one weight here and two there; "
                "set model.share as that run has it"
            )
