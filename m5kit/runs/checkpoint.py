"""Checkpoints from which a run continues to the same bits: tensors in safetensors, the rest in JSON, nothing pickled.

A checkpoint is a folder ``step_<n>``. It is written aside and renamed, so it is whole or not there at all.
"""

import os
import re
import shutil
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from m5kit.errors import CheckpointError
from m5kit.hooks.base import WEIGHTS
from m5kit.refusals import refusal
from m5kit.runs.checksums import write_checksums
from m5kit.runs.damage import FORMAT, NOT_FINITE, STATE, SUMMED, TO_GO_ON, damage
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, sync_folder, write_json
from m5kit.runs.log import LOGGER, once
from m5kit.runs.origin import BEGUN, NOTED, RUN, beginning, noted, origin
from m5kit.runs.random_state import random_state, restore_random_state
from m5kit.runs.tensor_state import Stateful, join_optimizer, load_hooks, plain, split_hooks, split_optimizer
from m5kit.runs.weight_checks import not_finite, require_finite, require_same_sharing, require_same_weights

HOOKS = "hooks.safetensors"
BEST = "best"
_NAME = re.compile(r"step_(\d+)")


def save(
    checkpoints: Path,
    step: int,
    model: nn.Module,
    optimizer: Stateful,
    keep: int,
    hooks: Mapping[str, Stateful] = MappingProxyType({}),
    otherwise: str = "then go on with --resume",
) -> Path:
    """Write the checkpoint of ``step`` and remove all but the newest ``keep``.

    ``otherwise`` is what the user can do once there is room, for the message.

    Raises:
        CheckpointError: a weight or a number of the optimizer is not finite, or the disk is full; nothing is left of
            it then.
    """
    target = checkpoints / f"step_{step:07d}"
    partial = checkpoints / f".{target.name}.partial"
    try:
        _write(partial, step, model, optimizer, hooks)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        sync_folder(checkpoints)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)  # half a checkpoint must not hold the space that is missing
        why = refusal(error, otherwise) or error
        raise CheckpointError(f"cannot write the checkpoint {target}: {why}") from error
    for old in _all(checkpoints)[:-keep]:
        shutil.rmtree(old)
    return target


def _write(partial: Path, step: int, model: nn.Module, optimizer: Stateful, hooks: Mapping[str, Stateful]) -> None:
    """Write all files of a checkpoint into a new folder, and see that they are on the disk."""
    tensors, described = split_optimizer(optimizer.state_dict())
    random_tensors, random_described = random_state()
    hook_tensors, hooks_described = split_hooks(hooks)
    require_finite(step, model, tensors, {name: hook_tensors[name] for name in hook_tensors if f"/{WEIGHTS}" in name})
    state = {
        "format": FORMAT,
        "step": step,
        RUN: origin(partial.parent.parent),
        BEGUN: beginning(partial.parent.parent),
        NOTED: noted(partial.parent.parent),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "optimizer": described,
        "random": random_described,
        "hooks": hooks_described,
        SUMMED: True,
        NOT_FINITE: not_finite({**model.state_dict(), **hook_tensors}),
    }
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(plain(model.state_dict()), partial / "model.safetensors")
    save_file(plain(tensors), partial / "optimizer.safetensors")
    save_file(random_tensors, partial / "random.safetensors")
    if hook_tensors:
        save_file(plain(hook_tensors), partial / HOOKS)
    write_json(partial / STATE, state, exact=True)
    for file in partial.glob("*.safetensors"):
        # safetensors lets nobody but the owner read its files, whatever the umask says; colleagues are to use the run
        shutil.copymode(partial / STATE, file)
    write_checksums(partial)
    _fsync(partial)


def mark_best(checkpoint: Path) -> None:
    """Keep a checkpoint under the name ``best`` as well, whatever is removed later; it takes no more room."""
    best, partial = checkpoint.with_name(BEST), checkpoint.with_name(f".{BEST}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(checkpoint, partial, copy_function=os.link)  # nobody writes into a file of a checkpoint again
    shutil.rmtree(best, ignore_errors=True)
    partial.rename(best)


def set_aside(checkpoints: Path, step: int) -> Path | None:
    """Rename the checkpoint of ``step`` so that no run goes on from it; its new place, or None if there is none."""
    found = checkpoints / f"step_{step:07d}"
    if not found.is_dir():
        return None
    return found.rename(checkpoints / f"diverged_{step:07d}")


def latest(checkpoints: Path, unread: Container[str] = ()) -> Path | None:
    """The newest whole checkpoint, or None if there is none at all; a damaged one is named and passed over.

    Args:
        checkpoints: folder of a run's checkpoints.
        unread: files of a checkpoint that nobody is going to read.

    Raises:
        CheckpointError: all of them are damaged.
    """
    every = _all(checkpoints)
    if not every:
        return None
    for found in reversed(every):
        problem = damage(found, unread)
        if problem is None:
            return found
        if found != every[0]:
            LOGGER.warning("%s is damaged: %s; the one before it is used", found, problem, extra=once(found.resolve()))
    raise CheckpointError(
        f"every checkpoint in {checkpoints} is damaged, {every[0].name}: {problem}; bring what is damaged back from a "
        "copy of the run, or train again in another --run-dir"
    )


def newest_step(checkpoints: Path) -> int | None:
    """The step of the newest checkpoint, whole or not; None if there is none."""
    every = _all(checkpoints)
    return int(every[-1].name.rpartition("_")[2]) if every else None


def to_use(folder: RunFolder) -> Path:
    """The checkpoint that a run is used with: the best one, where the run kept it, else the newest.

    Raises:
        CheckpointError: it has none.
    """
    best = folder.checkpoints / BEST
    problem = damage(best, TO_GO_ON) if best.exists() else None
    if problem is not None:
        LOGGER.warning("%s is damaged: %s; the newest checkpoint is used", best, problem, extra=once(best.resolve()))
    found = best if best.exists() and problem is None else latest(folder.checkpoints, TO_GO_ON)
    if found is None:
        raise CheckpointError(f"{folder.path} has no checkpoint; train it first, or continue it with --resume")
    return found


def load_weights(checkpoint: Path, model: nn.Module, prefix: str = "") -> None:
    """Load the weights below ``prefix`` (all by default) into ``model``: those that a hook offers, or the trained ones.

    Raises:
        CheckpointError: the file is damaged, or the model's parameters are others than those that were saved.
    """
    _load_into(model, _offered(checkpoint) or _load_tensors(checkpoint / "model.safetensors"), checkpoint, prefix)


def _load_into(model: nn.Module, saved: Mapping[str, Tensor], checkpoint: Path, prefix: str = "") -> None:
    chosen = {name.removeprefix(prefix): value for name, value in saved.items() if name.startswith(prefix)}
    require_same_weights(model.state_dict(), chosen, checkpoint)
    require_same_sharing(model, chosen, checkpoint)
    model.load_state_dict(chosen)


def restore(
    checkpoint: Path,
    model: nn.Module,
    optimizer: Stateful,
    hooks: Mapping[str, Stateful] = MappingProxyType({}),
) -> int:
    """Put everything back as it was, random states included, and return the step.

    Raises:
        CheckpointError: the checkpoint is damaged, or of another model, optimizer or hook.
    """
    state = read_json(checkpoint / STATE)
    if state["format"] != FORMAT:
        raise CheckpointError(
            f"{checkpoint} has format {state['format']}, this m5kit reads {FORMAT}; "
            "use the version of m5kit that provenance.json names"
        )
    _load_into(model, _load_tensors(checkpoint / "model.safetensors"), checkpoint)
    with _fitting(checkpoint, "optimizer"):
        saved = _load_tensors(checkpoint / "optimizer.safetensors")
        optimizer.load_state_dict(join_optimizer(saved, state["optimizer"]))
    with _fitting(checkpoint, "hooks"):
        saved = _load_tensors(checkpoint / HOOKS) if (checkpoint / HOOKS).exists() else {}
        load_hooks(hooks, saved, state.get("hooks", {}))
    with _fitting(checkpoint, "random states"):
        restore_random_state(_load_tensors(checkpoint / "random.safetensors"), state["random"])
    return int(state["step"])


@contextmanager
def _fitting(checkpoint: Path, what: str) -> Iterator[None]:
    """Name the checkpoint in the error where an undamaged state does not fit the part that loads it."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:  # torch and plugins raise anything for a state that is not theirs
        raise CheckpointError(
            f"{checkpoint}: the state of the {what} does not fit: {type(error).__name__}: {error}; use an earlier one"
        ) from error


def _all(checkpoints: Path) -> list[Path]:
    return sorted(path for path in checkpoints.glob("step_*") if _NAME.fullmatch(path.name))


def _fsync(folder: Path) -> None:
    """Make sure that the bytes are on the disk before the folder gets its name."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _offered(checkpoint: Path) -> dict[str, Tensor]:
    """The weights that a hook of the run offers instead of the trained ones, if one does."""
    if not (checkpoint / HOOKS).exists():
        return {}
    named = [(name.partition(f"/{WEIGHTS}"), value) for name, value in _load_tensors(checkpoint / HOOKS).items()]
    return {name: value for (_, offers, name), value in named if offers}


def _load_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; use an earlier checkpoint") from error
