"""The formats that a run can be written in."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from m5kit.errors import ConfigError, MissingDependencyError
from m5kit.interchange.shared_folder import share_run
from m5kit.public.run import Run

Writer = Callable[[Run, Path], Path]
"""Writes a run into a new folder, and returns it."""

LIBRARIES = {"sentence-transformers": ("sentence_transformers",), "onnx": ("onnx", "onnxscript", "onnxruntime")}
"""Modules that a format needs; the extra is named like the format."""


def writer(name: str, modalities: Sequence[str] | None = None) -> Writer:
    """The writer of a format; libraries are asked for before a run is loaded.

    Args:
        name: ``folder``, ``sentence-transformers`` or ``onnx``.
        modalities: those that a graph reads; the other formats have all.

    Raises:
        MissingDependencyError: a library that the format needs is not installed.
        ConfigError: modalities were chosen of a format that has all.
    """
    if modalities is not None and name != "onnx":
        raise ConfigError([f"--modalities: the format {name} has all of the run's; only onnx has a choice"])
    for module in LIBRARIES.get(name, ()):
        if find_spec(module) is None:
            raise MissingDependencyError(module.replace("_", "-"), f"m5kit export --to {name}", name)
    if name == "onnx":
        from m5kit.interchange.onnx import write_onnx

        return partial(write_onnx, modalities=modalities)
    if name == "sentence-transformers":
        from m5kit.interchange.sentence_transformers import write_sentence_transformers

        return write_sentence_transformers
    return share_run
