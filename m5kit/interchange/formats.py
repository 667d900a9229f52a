"""The formats that a run can be written in."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from m5kit.errors import MissingDependencyError
from m5kit.interchange.shared_folder import share_run
from m5kit.public.run import Run

Writer = Callable[[Run, Path], Path]
"""Writes a run into a new folder, and returns it."""


def writer(name: str) -> Writer:
    """The writer of a format; libraries are asked for before a run is loaded.

    Args:
        name: ``folder`` or ``sentence-transformers``.

    Raises:
        MissingDependencyError: a library that the format needs is not installed.
    """
    if name == "folder":
        return share_run
    if find_spec("sentence_transformers") is None:
        raise MissingDependencyError("sentence-transformers", f"m5kit export --to {name}", "sentence-transformers")
    from m5kit.interchange.sentence_transformers import write_sentence_transformers

    return write_sentence_transformers
