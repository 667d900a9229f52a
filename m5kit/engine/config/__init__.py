"""Configs: composed from YAML pieces with the origin of every value, then checked as a whole before anything runs."""

from m5kit.engine.config.load import Resolved, dump, load_config

__all__ = ["Resolved", "dump", "load_config"]
