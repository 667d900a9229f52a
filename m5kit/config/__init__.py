"""Configs: composed from YAML pieces with the origin of every value, then checked as a whole before anything runs."""

from m5kit.config.check import RunConfig, check_config
from m5kit.config.load import Resolved, annotate, dump, load_config
from m5kit.config.parts import find_parts
from m5kit.config.sections import Checkpoint, Data, Init, Logging, Model, Schedule, Validation, Weighting

__all__ = [
    "Checkpoint",
    "Data",
    "Init",
    "Logging",
    "Model",
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
