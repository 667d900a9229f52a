"""The types in which the stages meet: Sample, Inputs, Batch, Observation, Facts, Tokens, Harmony, Fused, View,
TaskOutput.

Shape letters, everywhere in m5kit: b item, B item of any process of the run, p item that has the modality, l token,
d width, e raw width of an observed token, h width of a contrastive feature, m modality, k top-k.

Real tokens come first along l and ``lengths`` counts them, so a mask is never stored. ``lengths``, ``present``, groups
and roles stay on the host: the step is planned there and the device is never asked for a size.
"""

from m5kit.structures.batch import Batch
from m5kit.structures.facts import Facts
from m5kit.structures.inputs import Failure, Inputs, Sample
from m5kit.structures.peers import ALONE, Peers
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
