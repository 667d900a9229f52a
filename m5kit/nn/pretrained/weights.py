"""Finds pretrained weights: a local folder, a name on the Hugging Face hub, or a config for random weights."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch
from torch import nn

from m5kit.errors import ConfigError
from m5kit.nn.pretrained.blueprints import find_blueprint, keep_blueprint
from m5kit.nn.pretrained.library import import_library

log = logging.getLogger("m5kit")

OFFLINE = "M5KIT_OFFLINE"
"""Environment variable; ``1`` forbids the network."""

Weights: TypeAlias = str | Mapping[str, Any]
"""A folder, a hub name, or a config with ``model_type`` for random weights."""

UNUSED = {"mask_token", "masked_spec_embed"}
"""Parameters for the networks' own masking, which m5kit does not use."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network, and the parameters in it that the checkpoint does not hold and that are random."""

    network: nn.Module
    missing: frozenset[int]

    def part(self, name: str) -> "Loaded":
        """One of several networks in a checkpoint if it exists, otherwise the whole network."""
        return Loaded(getattr(self.network, name, self.network), self.missing)

    def complete(self, weights: Weights, needed_by: str) -> Any:
        """The network, if the checkpoint holds all of it.

        Raises:
            ConfigError: it does not; going on with random weights would look like a bad model.
        """
        absent = [name for name, p in self.network.named_parameters() if id(p) in self.missing]
        if absent:
            raise ConfigError(
                [
                    f"{needed_by}: {weights!r} does not hold {len(absent)} of the network's tensors, such as "
                    f"{absent[0]!r}; choose a checkpoint of this kind of model"
                ]
            )
        # parameters that nothing uses would never get a gradient
        for module in self.network.modules():
            for name in UNUSED & module._parameters.keys():
                setattr(module, name, None)
        return self.network


def offline() -> bool:
    """Whether the network is forbidden.

    Example:
        >>> os.environ[OFFLINE] = "1"
        >>> offline()
        True
        >>> del os.environ[OFFLINE]
    """
    return os.environ.get(OFFLINE, "0") not in ("", "0")


def fetch(loader: Callable[..., Found], weights: str, needed_by: str, **arguments: Any) -> Found:
    """Call a ``from_pretrained`` on a folder or a hub name, or on the blueprint that a run stores.

    Raises:
        ConfigError: the weights cannot be loaded; the message says how to get them.
    """
    local = find_blueprint(weights) or Path(weights).expanduser()
    try:
        with quiet():
            place = str(local) if local.exists() else _place(weights)
            # Left out, transformers asks on the terminal whether to run code of the folder, and "y" runs it.
            found = loader(place, trust_remote_code=False, **arguments)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise ConfigError([_missing(weights, local, needed_by, error)]) from error
    keep_blueprint(weights, found)
    return found


def load_network(weights: Weights, needed_by: str) -> Loaded:
    """Load the network for ``weights`` with Hugging Face's Auto classes.

    On the meta device, or from a blueprint, it does not have the checkpoint's numbers.

    Raises:
        ConfigError: there are no such weights.
        MissingDependencyError: transformers cannot be imported.
    """
    transformers = import_library("transformers", needed_by)
    if isinstance(weights, Mapping) or find_blueprint(weights) or torch.get_default_device().type == "meta":
        config = load_config(weights, needed_by)
        return Loaded(transformers.AutoModel.from_config(config, trust_remote_code=False).float(), frozenset())
    network, report = fetch(transformers.AutoModel.from_pretrained, weights, needed_by, output_loading_info=True)
    keep_blueprint(weights, network.config)
    named = dict(network.named_parameters())
    return Loaded(network.float(), frozenset(id(named[name]) for name in report["missing_keys"] if name in named))


def load_config(weights: Weights, needed_by: str) -> Any:
    """The configuration of a network.

    Raises:
        ConfigError: there is none, or ``model_type`` is missing or unknown.
    """
    transformers = import_library("transformers", needed_by)
    if isinstance(weights, str):
        return fetch(transformers.AutoConfig.from_pretrained, weights, needed_by)
    try:
        with quiet():
            return transformers.AutoConfig.for_model(**weights)
    except (TypeError, ValueError) as error:
        raise ConfigError([f"{needed_by}: weights is a config that transformers refuses: {_line(error)}"]) from error


def load_processor(auto: str, weights: Weights, needed_by: str) -> Any | None:
    """The processor of a checkpoint by the name of its Auto class; None if the checkpoint has none."""
    if isinstance(weights, Mapping):
        return None
    try:
        return fetch(getattr(import_library("transformers", needed_by), auto).from_pretrained, weights, needed_by)
    except ConfigError:
        return None  # not every checkpoint has one; an encoder that needs its facts asks for them


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars and reports of transformers; errors are raised anyway."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def _place(name: str) -> str:
    """The hub name or, offline, the folder it was downloaded to, for which no library asks the hub."""
    if not offline():
        _announce(name)
        return name
    hub = import_library("huggingface_hub", "a name on the hub")
    return str(hub.snapshot_download(name, local_files_only=True))


@lru_cache  # a config of several towers asks for one name several times
def _announce(name: str) -> None:
    """Say what is waited for: without a network the hub's library tries for most of a minute, and says nothing."""
    hub = import_library("huggingface_hub", "a name on the hub")
    if hub.try_to_load_from_cache(name, "config.json") is None:
        log.warning(
            "asking the hub for %s; without a network this takes a minute to fail, and none with %s=1", name, OFFLINE
        )


def _missing(weights: str, local: Path, needed_by: str, error: Exception) -> str:
    """The message for weights that cannot be loaded."""
    if local.exists():
        return f"{needed_by}: cannot load weights from {weights!r}: {_line(error)}"
    if offline():
        return (
            f"{needed_by}: weights {weights!r} are neither a local folder nor in the hub's cache, and {OFFLINE}=1 "
            f"forbids the network; get them once with: hf download {weights}, or name a local folder"
        )
    return (
        f"{needed_by}: weights {weights!r} are not a local folder and could not be had from the hub ({_line(error)}); "
        f"get them with: hf download {weights}, or name a local folder"
    )


def _line(error: Exception) -> str:
    """The message of an error on one line, shortened."""
    message = " ".join(str(error).split())
    return message if len(message) <= 200 else message[:197] + "..."
