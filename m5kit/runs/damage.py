"""Finds what is wrong with a checkpoint before anything of it is loaded, so that the one before it can be used."""

from collections.abc import Container
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from m5kit.errors import CheckpointError
from m5kit.runs.checksums import CHECKSUMS, altered
from m5kit.runs.json import read_json
from m5kit.runs.origin import of_another_run

FORMAT = 1
STATE = "state.json"
TO_GO_ON = ("optimizer.safetensors", "random.safetensors")
"""Files of a checkpoint that only training goes on with, two thirds of its bytes."""
TENSORS = ("model.safetensors", *TO_GO_ON)
"""The files that every checkpoint has; hooks with tensors add one."""

SUMMED = "checksums"
"""Key of the state: whether the checkpoint was written with checksums; earlier versions wrote none."""

NOT_FINITE = "not_finite"
"""Key of the state: tensors that hold infinities on purpose, as a mask does."""


def damage(checkpoint: Path, unread: Container[str] = ()) -> str | None:
    """What is wrong with a checkpoint; None if it is whole, or of a format that another m5kit wrote.

    Args:
        checkpoint: its folder.
        unread: files that nobody is going to read, such as :data:`TO_GO_ON` where the run is only used.

    Raises:
        CheckpointError: this user may not read it, which is no damage: the one before it is not to take its place.
    """
    if not checkpoint.is_dir():
        return "it is no folder"
    _require_permission(checkpoint, unread)
    problem = altered(checkpoint, unread)
    if problem is not None:
        return problem
    try:
        state = read_json(checkpoint / STATE)
    except CheckpointError as error:
        return str(error)
    if isinstance(state, dict) and state.get("format", FORMAT) != FORMAT:
        return None  # whoever loads it says which version can
    return _state_problem(state, checkpoint) or _tensor_problem(state, checkpoint, unread)


def _require_permission(checkpoint: Path, unread: Container[str]) -> None:
    try:
        for file in sorted(checkpoint.iterdir()):
            if file.name not in unread and file.is_file():  # opening a pipe would wait for its other end
                file.open("rb").close()
    except PermissionError as error:
        raise CheckpointError(f"cannot read {error.filename}: permission denied; see who may read it") from error
    except OSError:
        return  # damage, which is told where the file is read


def _state_problem(state: Any, checkpoint: Path) -> str | None:
    wanted = {"format": int, "step": int, "optimizer": dict, "random": dict}
    for key, kind in wanted.items():
        if not isinstance(state, dict) or type(state.get(key)) is not kind:
            return f"{STATE} has no {key}"
    if not {"numbers", "param_groups"} <= state["optimizer"].keys():
        return f"{STATE} has no whole optimizer"
    problem = of_another_run(state, checkpoint.parent.parent)
    if problem is not None:
        return problem
    number = checkpoint.name.rpartition("_")[2]
    if number.isdecimal() and int(number) != state["step"]:
        return f"{STATE} is of step {state['step']}"
    if state.get(SUMMED) and not (checkpoint / CHECKSUMS).exists():
        return f"{CHECKSUMS} is missing"
    return None


def _tensor_problem(state: dict[str, Any], checkpoint: Path, unread: Container[str]) -> str | None:
    on_purpose = state.get(NOT_FINITE)
    for name in (*TENSORS, *(path.name for path in checkpoint.glob("*.safetensors") if path.name not in TENSORS)):
        if name in unread:
            continue
        path = checkpoint / name
        if not path.is_file():  # reading a pipe would wait for its other end
            return f"{name} is missing"
        try:
            problem = _not_finite(path, on_purpose)
        except (OSError, SafetensorError, ValueError, RuntimeError) as error:
            return f"{name} cannot be read: {error}"
        if problem is not None:
            return f"{name}: {problem} is not finite"
    return None


def _not_finite(path: Path, on_purpose: Container[str] | None) -> str | None:
    """The first tensor of a file that holds NaN or infinities; of an earlier version's file only NaN counts."""
    with safe_open(path, "pt") as tensors:
        for name in tensors.keys():  # noqa: SIM118  # not a dictionary
            values = tensors.get_tensor(name)
            if not values.is_floating_point() or (on_purpose is not None and name in on_purpose):
                continue
            # A finite sum rules out NaN and infinity in one pass; only a large one may overflow for another reason.
            if values.sum().isfinite():
                continue
            wrong = torch.isnan(values) if on_purpose is None else ~torch.isfinite(values)
            if wrong.any():
                return str(name)
    return None
