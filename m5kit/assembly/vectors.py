"""Builds what public vectors are made of: readouts of tokens, and descriptors of raw inputs."""

from collections.abc import Mapping
from typing import Any

from m5kit.api import Descriptor, Encoder, Readout, Transform
from m5kit.config import RunConfig
from m5kit.nn.initial import own_weights
from m5kit.registry import DESCRIPTORS, READOUTS
from m5kit.runs.log import LOGGER


def build_readouts(config: RunConfig, encoders: Mapping[str, Encoder]) -> dict[str, Readout]:
    """The readouts that the config names, each told the layout of its encoder's tokens."""
    built = {}
    for m, given in config.readouts.items():
        with own_weights(f"readout_{m}"):
            built[m] = READOUTS.build(given, config.plugins, dim=config.model.dim, layout=encoders[m].layout)
    return built


def build_descriptors(
    config: RunConfig, encoders: Mapping[str, Encoder], transforms: Mapping[str, Transform]
) -> dict[str, Descriptor]:
    """The descriptors that fit their inputs; none beside a frozen encoder, whose outputs are read in their place."""
    built = {}
    for m, given in config.descriptors.items():
        facts = transforms[m].provides()
        part: type[Descriptor] = DESCRIPTORS.get(given["type"], config.plugins)
        lacking = sorted(part.needs - facts.keys())
        if lacking or encoders[m].extracts:
            why = f"input_{m} provides no {', '.join(lacking)}" if lacking else f"encoder_{m} is frozen"
            LOGGER.info("descriptor_%s is left out: %s", m, why)
            continue
        built[m] = DESCRIPTORS.build(given, config.plugins, **dict[str, Any](facts))
    return built
