"""The command line; see main.py."""

from m5kit.cli.main import main

__all__ = ["main"]
