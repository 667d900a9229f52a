"""Configs: composed from YAML pieces, the origin of every value recorded, and checked as a whole before a run."""

from m5kit.config.check import check_config
from m5kit.config.load import Resolved, annotate, dump, load_config
from m5kit.config.parts import find_parts
from m5kit.config.run_config import RunConfig
from m5kit.config.sections import (
    Checkpoint,
    Data,
    Init,
    Logging,
    ModelSection,
    Parallel,
    Schedule,
    Validation,
    Weighting,
)

__all__ = [
    "Checkpoint",
    "Data",
    "Init",
    "Logging",
    "ModelSection",
    "Parallel",
    "Resolved",
    "RunConfig",
    "Schedule",
    "Validation",
    "Weighting",
    "annotate",
    "check_config",
    "dump",
    "find_parts",
    "load_config",
]
