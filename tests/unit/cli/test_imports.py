"""Imports are not interrupted by looks for garbage, and leave the collector as they found it."""

import gc
import subprocess
import sys


def _run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_a_new_process_sets_aside_what_it_imported():
    code = "import gc; from m5kit.cli._imports import import_quickly; import_quickly('m5kit.nn.losses'); "
    assert _run(code + "print(gc.isenabled(), gc.get_freeze_count() > 100_000)") == ["True", "True"]


def test_a_process_that_has_torch_keeps_its_own_objects_in_sight():
    code = "import gc, torch; from m5kit.cli._imports import import_quickly; import_quickly('m5kit.nn.losses'); "
    assert _run(code + "print(gc.isenabled(), gc.get_freeze_count())") == ["True", "0"]


def test_a_module_that_is_missing_leaves_the_collector_on():
    code = """
import gc
from m5kit.cli._imports import import_quickly
try:
    import_quickly("m5kit.nowhere")
except ModuleNotFoundError:
    print(gc.isenabled())
"""
    assert _run(code) == ["True"]
    assert gc.isenabled()
