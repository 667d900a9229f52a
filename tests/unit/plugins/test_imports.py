"""What a local plugin stands on besides its own file."""

import os

import pytest

from m5kit.plugins import hash_of
from m5kit.plugins.imports import helpers_of, packages_of


@pytest.mark.parametrize(
    "line",
    [
        "import helper",
        "import helper.part",
        "from helper import FACTOR",
        "from . import helper",
        "from .helper import FACTOR",
        "helper = importlib.import_module('helper')",
        "spec = spec_from_file_location('h', Path(__file__).with_name('helper.py'))",
    ],
)
def test_a_file_beside_the_plugin_is_part_of_its_version(tmp_path, line):
    plugin, helper = tmp_path / "mine.py", tmp_path / "helper.py"
    plugin.write_text(f"def build():\n    {line}\n")
    alone = hash_of(plugin)
    helper.write_text("FACTOR = 1.0")
    assert helpers_of(plugin) == [helper]
    before = hash_of(plugin)
    helper.write_text("FACTOR = 0.0")
    assert len({alone, before, hash_of(plugin)}) == 3


def test_what_helpers_import_counts_too_and_circles_end(tmp_path):
    (tmp_path / "mine.py").write_text("import first")
    (tmp_path / "first.py").write_text("import second, mine")
    (tmp_path / "second").mkdir()
    for name in ("__init__.py", "deep.py"):
        (tmp_path / "second" / name).write_text("import first")
    names = ["first.py", "second/__init__.py", "second/deep.py"]
    assert helpers_of(tmp_path / "mine.py") == [tmp_path / name for name in names]


def test_other_files_of_the_folder_do_not_count(tmp_path):
    (tmp_path / "mine.py").write_text("import torch\nNAME = 'other'")
    (tmp_path / "other.py").write_text("")
    assert helpers_of(tmp_path / "mine.py") == []
    os.mkfifo(tmp_path / "torch.py")  # reading it would wait for its other end
    assert helpers_of(tmp_path / "mine.py") == []


def test_a_file_that_is_no_python_stands_on_nothing(tmp_path):
    (tmp_path / "mine.py").write_text("import (")
    assert helpers_of(tmp_path / "mine.py") == packages_of(tmp_path / "mine.py") == []


def test_packages_are_those_that_are_neither_pythons_own_nor_helpers(tmp_path):
    (tmp_path / "mine.py").write_text("import os, helper, timm.layers\nfrom m5kit.api import FUSIONS")
    (tmp_path / "helper.py").write_text("import einops")
    assert packages_of(tmp_path / "mine.py") == ["einops", "timm"]
