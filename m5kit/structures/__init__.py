"""The types in which the stages meet: Sample, Inputs, Batch, Observation, Facts, Tokens, Harmony, Fused, View,
TaskOutput.

Shape letters, everywhere in m5kit: b item, B item of any process of the run, p item that has the modality, l token,
d width, e raw width of an observed token, h width of a contrastive feature, m modality, k top-k.

Real tokens come first along l and ``lengths`` counts them, so a mask is never stored. ``lengths``, ``present``, groups
and roles stay on the host: the step is planned there and the device is never asked for a size.

Names are imported when they are used: a :class:`Sample` needs no torch, and reading a manifest must not import it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from m5kit.structures.batch import Batch
    from m5kit.structures.facts import Facts
    from m5kit.structures.inputs import Failure, Inputs
    from m5kit.structures.peers import ALONE, Peers
    from m5kit.structures.sample import Sample
    from m5kit.structures.tokens import Observation, Tokens, length_mask
    from m5kit.structures.view import Fused, Harmony, Hidden, Mean, Partial, TaskOutput, View

__all__ = [
    "ALONE",
    "Batch",
    "Facts",
    "Failure",
    "Fused",
    "Harmony",
    "Hidden",
    "Inputs",
    "Mean",
    "Observation",
    "Partial",
    "Peers",
    "Sample",
    "TaskOutput",
    "Tokens",
    "View",
    "length_mask",
]

_HOMES = {
    "ALONE": "peers",
    "Batch": "batch",
    "Facts": "facts",
    "Failure": "inputs",
    "Fused": "view",
    "Harmony": "view",
    "Hidden": "view",
    "Inputs": "inputs",
    "Mean": "view",
    "Observation": "tokens",
    "Partial": "view",
    "Peers": "peers",
    "Sample": "sample",
    "TaskOutput": "view",
    "Tokens": "tokens",
    "View": "view",
    "length_mask": "tokens",
}
"""The modules that the names live in."""


def __getattr__(name: str) -> Any:
    """Import the module of a name when it is first used, and keep the name."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
