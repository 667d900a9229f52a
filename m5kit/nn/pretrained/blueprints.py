"""Stores what rebuilds the pretrained networks of a run, except their numbers, which are in its checkpoints.

A blueprint is a small folder a checkpoint: the network's config, the tokenizer, how media are prepared. With it a run
is opened again after the checkpoint is gone.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn


@dataclass(frozen=True, slots=True)
class Blueprints:
    """Where blueprints are written and read.

    Attributes:
        keep: folder to which the blueprints of everything that is loaded are written.
        reuse: folder of blueprints that are loaded instead of their checkpoints.
    """

    keep: Path | None = None
    reuse: Path | None = None


_NONE = Blueprints()
_current: ContextVar[Blueprints] = ContextVar("blueprints", default=_NONE)


@contextmanager
def blueprints(*, keep: Path | None = None, reuse: Path | None = None) -> Iterator[None]:
    """Write blueprints, or load them, inside a ``with`` block; a network loaded from one has random weights."""
    before = _current.set(Blueprints(keep, reuse))
    try:
        yield
    finally:
        _current.reset(before)


def find_blueprint(weights: str) -> Path | None:
    """The folder that replaces ``weights``; None if the checkpoint itself is loaded."""
    folder = _current.get().reuse
    if folder is None:
        return None
    found = folder / _name(weights)
    return found if found.is_dir() else None


def blueprint_to_write(weights: str) -> Path | None:
    """A new folder for the blueprint of ``weights``; None if no blueprints are written."""
    folder = _current.get().keep
    if folder is None:
        return None
    made = folder / _name(weights)
    made.mkdir(parents=True, exist_ok=True)
    return made


def keep_blueprint(weights: str, part: Any) -> None:
    """Write a config, a tokenizer or a processor of transformers; a network's numbers are not written."""
    if isinstance(part, nn.Module) or not hasattr(part, "save_pretrained"):
        return
    folder = blueprint_to_write(weights)
    if folder is not None:
        part.save_pretrained(folder)


def _name(weights: str) -> str:
    """A folder name that people recognise and that differs between weights.

    Example:
        >>> _name("models/bert-base-chinese")
        'bert-base-chinese-bf41789a'
    """
    last = re.sub(r"[^\w.-]", "_", Path(weights).name)
    return f"{last}-{hashlib.blake2b(weights.encode(), digest_size=4).hexdigest()}"
