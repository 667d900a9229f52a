"""Loads two-tower contrastive models with open_clip."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

from torch import nn

from m5kit.errors import ConfigError
from m5kit.nn.pretrained.blueprints import blueprint_to_write, find_blueprint
from m5kit.nn.pretrained.library import import_library
from m5kit.nn.pretrained.weights import OFFLINE, Weights, offline

HUB = "hf-hub:"
FOLDER = "local-dir:"
CONFIG = "open_clip_config.json"


def load_towers(weights: Weights, needed_by: str) -> tuple[Any, Mapping[str, Any]]:
    """A model with both towers, and how it prepares its pictures (``size``, ``mean``, ``std``).

    Args:
        weights: a folder with ``open_clip_config.json``, ``hf-hub:NAME``, ``ARCHITECTURE/TAG``, ``ARCHITECTURE/FILE``,
            or a config (``embed_dim``, ``vision_cfg``, ``text_cfg``) that begins at random.
        needed_by: the encoder's name.

    Raises:
        ConfigError: nothing usable is there; says how to get it.
        MissingDependencyError: open_clip cannot be imported.
    """
    library = import_library("open_clip", needed_by, "open_clip_torch")
    if isinstance(weights, Mapping):
        return _at_random(library, weights, needed_by), {}
    plan = find_blueprint(weights)
    try:
        name, file = (f"{FOLDER}{plan}", None) if plan else _source(library, weights)
        whole = {"load_weights": False} if plan else {"require_pretrained": True}
        with _quiet():
            model = library.create_model(name, pretrained=file, precision="fp32", **whole)
        _keep_blueprint(library, weights, name, getattr(model.visual, "preprocess_cfg", {}))
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ConfigError([_missing(library, weights, needed_by, error)]) from error
    facts = dict(getattr(model.visual, "preprocess_cfg", {}))
    size = facts.get("size")
    return model, facts | {"size": size[0] if isinstance(size, list | tuple) else size}


def _at_random(library: Any, config: Mapping[str, Any], needed_by: str) -> nn.Module:
    """A model with random weights, built from a config."""
    try:
        kind = library.CustomTextCLIP if config.get("custom_text") else library.CLIP
        model: nn.Module = kind(**{key: value for key, value in config.items() if key != "custom_text"})
    except (TypeError, AttributeError, AssertionError) as error:
        raise ConfigError([f"{needed_by}: weights is a config that open_clip refuses: {error}"]) from error
    return model


def _source(library: Any, weights: str) -> tuple[str, str | None]:
    """What ``open_clip.create_model`` calls the weights: a name, and a tag or a file if the name has no schema."""
    folder = Path(weights).expanduser()
    if folder.is_dir():
        return f"{FOLDER}{folder}", None
    if weights.startswith(HUB):
        return (_downloaded(weights.removeprefix(HUB)), None) if offline() else (weights, None)
    architecture, _, rest = weights.partition("/")
    if not rest or Path(rest).expanduser().is_file():
        return architecture, str(Path(rest).expanduser())
    if not offline():
        return architecture, rest
    return _downloaded(_hub_name(library, weights) or weights), None


def _keep_blueprint(library: Any, weights: str, name: str, preprocessing: Mapping[str, Any]) -> None:
    """Keep the file that says how a model is built, or write it for an architecture that open_clip knows by name."""
    folder = blueprint_to_write(weights)
    if folder is None:
        return
    if name.startswith(HUB):
        name = _downloaded(name.removeprefix(HUB))
    if name.startswith(FOLDER):
        shutil.copyfile(Path(name.removeprefix(FOLDER)) / CONFIG, folder / CONFIG)
    else:
        known = {"model_cfg": library.get_model_config(name), "preprocess_cfg": dict(preprocessing)}
        (folder / CONFIG).write_text(json.dumps(known, indent=2), encoding="utf-8")


def _downloaded(name: str) -> str:
    """The folder of a hub name in the cache, in open_clip's form; asks no network."""
    hub = import_library("huggingface_hub", "a name on the hub")
    return f"{FOLDER}{hub.snapshot_download(name, local_files_only=True)}"


def _missing(library: Any, weights: str, needed_by: str, error: Exception) -> str:
    """The message for weights that cannot be loaded: why, and where to get them."""
    why = shorten(str(error), 200, placeholder=" ...")
    hub = _hub_name(library, weights)
    if hub is None:
        return (
            f"{needed_by}: weights {weights!r} could not be loaded ({why}); name a folder with {CONFIG} and "
            "open_clip_model.safetensors, hf-hub:NAME, ARCHITECTURE/TAG or ARCHITECTURE/FILE"
        )
    reason = f"{OFFLINE}=1 forbids the network" if offline() else "they could not be downloaded"
    return (
        f"{needed_by}: the weights {weights!r} are not on this machine, and {reason}\n"
        f"    where there is a network: hf download {hub} --local-dir clip\n"
        "    copy the folder here:     --set encoder_NAME.weights=clip for each encoder that has these weights\n"
        f"    open_clip says:           {why}"
    )


def _hub_name(library: Any, weights: str) -> str | None:
    """The repository on the hub that has the weights; None if they are none of the hub's."""
    if Path(weights).expanduser().exists():
        return None
    if weights.startswith(HUB):
        return weights.removeprefix(HUB)
    architecture, _, tag = weights.partition("/")
    known = (library.get_pretrained_cfg(architecture, tag) if tag else None) or {}
    return str(known.get("hf_hub", "")).strip("/") or None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the root logger, on which open_clip reports; errors are raised anyway."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
