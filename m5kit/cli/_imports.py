"""Imports heavy modules in less time than an import statement takes."""

import gc
import sys
from importlib import import_module


def import_quickly(*modules: str) -> None:
    """Import modules that bring torch along, without looking for garbage among what they make.

    Hundreds of thousands of classes and functions come into being, and stay: looking through them again and again takes
    a fifth of the time. They are then set aside, so that no collection of the command goes through them, nor the end of
    the process. Where torch is there already, in a notebook or a test, nothing is set aside.
    """
    first = "torch" not in sys.modules
    if first:
        gc.disable()
    try:
        for module in modules:
            import_module(module)
    finally:
        if first:
            gc.freeze()
            gc.enable()
