import importlib
import sys

import pytest


def test_the_former_names_are_the_modules_of_today_and_warn():
    sys.modules.pop("m5kit.engine", None)
    with pytest.warns(DeprecationWarning, match=r"m5kit\.training\.run.*removed in m5kit 1\.0"):
        engine = importlib.import_module("m5kit.engine")
    for before, now in engine.MOVED.items():
        assert importlib.import_module(f"m5kit.engine.{before}") is importlib.import_module(now)
