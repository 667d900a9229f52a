"""Takes the model of a config from the run whose weights it starts from: other sizes could not hold them."""

from pathlib import Path

from m5kit.config.reader import read_file
from m5kit.config.tree import Node

CONFIG = "config.yaml"
"""Of a run folder."""
_SHARED = ("model", "weighting", "fusion", "harmonizer")
_BY_MODALITY = ("input", "encoder", "descriptor", "readout")


def run_to_adopt(tree: Node) -> Path | None:
    """The config of the run that ``init`` names, where ``init.model`` asks for its model."""
    init = tree.child("init")
    model, run = (init.child("model"), init.child("run")) if init is not None else (None, None)
    if model is None or model.value != "run" or run is None or not isinstance(run.value, str):
        return None
    path = Path(run.value).expanduser() / CONFIG
    return path if path.is_file() else None  # that there is no such run is told where its weights are looked for


def adopt_model(tree: Node, run: Path) -> Node:
    """The config with the run's encoders, inputs, fusion and widths in place of its own."""
    own = {key: part for key, part in tree.value.items() if not _is_of_the_model(key)}
    # the run's config is one file without bases, and nothing but its model is read: it may come from somebody else
    theirs = {key: part for key, part in read_file(run).value.items() if _is_of_the_model(key)}
    return Node({**own, **theirs}, tree.origin)


def _is_of_the_model(key: str) -> bool:
    family, _, modality = key.partition("_")
    return key in _SHARED or (family in _BY_MODALITY and bool(modality))
