"""The public surface for plugins: the only module of m5kit that a plugin imports."""

import warnings
from typing import Any

from m5kit.balancers.base import Balancer
from m5kit.data.decode.base import Decoder
from m5kit.data.sources.base import Dataset
from m5kit.data.transforms.base import Transform
from m5kit.descriptors.base import Descriptor
from m5kit.encoders.base import Encoder
from m5kit.errors import ConfigError, ContractError, DataError, DecodeError, M5KitError, MissingDependencyError
from m5kit.evaluation.base import (
    Corruption,
    Embedded,
    Gallery,
    GalleryHit,
    GalleryQuery,
    Metric,
    MetricValue,
    Request,
    Result,
)
from m5kit.exporters.base import Exporter
from m5kit.fusions.base import Fusion
from m5kit.harmonizers.base import Harmonizer
from m5kit.heads.base import Head
from m5kit.hooks.base import Hook, Training
from m5kit.nn.draws import Draws
from m5kit.optimizers.base import OptimizerBuilder
from m5kit.readouts.base import Readout
from m5kit.registry import (
    BALANCERS,
    DATASETS,
    DECODERS,
    DESCRIPTORS,
    ENCODERS,
    EXPORTERS,
    FUSIONS,
    HARMONIZERS,
    HEADS,
    HOOKS,
    METRICS,
    OPTIMIZERS,
    READOUTS,
    SCHEDULES,
    TASKS,
    TRANSFORMS,
)
from m5kit.schedules.base import LearningRateSchedule
from m5kit.structures import (
    Facts,
    Fused,
    Harmony,
    Hidden,
    Inputs,
    Mean,
    Observation,
    Partial,
    Sample,
    TaskOutput,
    Tokens,
    View,
    length_mask,
)
from m5kit.tasks.base import Swap, Task

__all__ = [
    "BALANCERS",
    "DATASETS",
    "DECODERS",
    "DESCRIPTORS",
    "ENCODERS",
    "EXPORTERS",
    "FUSIONS",
    "HARMONIZERS",
    "HEADS",
    "HOOKS",
    "METRICS",
    "OPTIMIZERS",
    "READOUTS",
    "SCHEDULES",
    "TASKS",
    "TRANSFORMS",
    "Balancer",
    "ConfigError",
    "ContractError",
    "Corruption",
    "DataError",
    "Dataset",
    "DecodeError",
    "Decoder",
    "Descriptor",
    "Draws",
    "Embedded",
    "Encoder",
    "Exporter",
    "Facts",
    "Fused",
    "Fusion",
    "Gallery",
    "GalleryHit",
    "GalleryQuery",
    "Harmonizer",
    "Harmony",
    "Head",
    "Hidden",
    "Hook",
    "Inputs",
    "LearningRateSchedule",
    "M5KitError",
    "Mean",
    "Metric",
    "MetricValue",
    "MissingDependencyError",
    "Observation",
    "OptimizerBuilder",
    "Partial",
    "Readout",
    "Request",
    "Result",
    "Sample",
    "Swap",
    "Task",
    "TaskOutput",
    "Tokens",
    "Training",
    "Transform",
    "View",
    "length_mask",
]

DEPRECATED = {"Change": "Corruption", "Figure": "MetricValue"}
"""Names of earlier versions, and what they are called now; asking for one warns."""


def __getattr__(name: str) -> Any:
    """Answer to the earlier names."""
    if name not in DEPRECATED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    now = DEPRECATED[name]
    warnings.warn(f"m5kit.api.{name} is called {now} now; import that", DeprecationWarning, stacklevel=2)
    return globals()[now]
