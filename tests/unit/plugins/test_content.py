"""A plugin's code is told by its content, without importing it."""

import os
import sys

import pytest

from m5kit.plugins import content
from m5kit.plugins.parts import API_VERSION, PluginPart


@pytest.fixture
def package(tmp_path, monkeypatch):
    content.code_of.cache_clear()
    folder = tmp_path / "m5told"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "part.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    content.code_of.cache_clear()


def part(target):
    return PluginPart("fusions", "mine", "m5told", "1.0", API_VERSION, target)


def test_any_file_of_the_package_counts_and_none_is_imported(package):
    before = content.digest_of(part("m5told.part:Mine"))
    assert len(before) == 16
    content.code_of.cache_clear()
    assert content.digest_of(part("m5told:Mine")) == before
    (package / "part.py").write_text("x = 2\n")
    content.code_of.cache_clear()
    assert content.digest_of(part("m5told.part:Mine")) != before
    assert "m5told" not in sys.modules


def test_data_in_the_package_counts_and_what_is_hidden_or_compiled_does_not(package):
    def now():
        content.code_of.cache_clear()
        return content.code_of("m5told")

    (package / "data").mkdir()
    (package / "data" / "words.txt").write_text("red")
    before = now()
    (package / "__pycache__").mkdir(exist_ok=True)
    for name in ("__pycache__/part.cpython-312.pyc", ".hidden", "part.pyc"):
        (package / name).write_text("x")
    os.mkfifo(package / "pipe")  # reading it would wait for its other end
    assert now() == before
    (package / "data" / "words.txt").write_text("blue")
    assert now() != before


def test_of_a_long_file_the_size_and_both_ends_count(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "WHOLE", 8)
    monkeypatch.setattr(content, "END", 2)

    def digest(text):
        content._digest.cache_clear()
        (tmp_path / "weights").write_text(text)
        return content.digest_of_files([("weights", tmp_path / "weights")])

    before = digest("0123456789")
    assert digest("01234x6789") == before
    assert len({before, digest("x123456789"), digest("012345678x"), digest("0123x456789")}) == 4
    assert content.digest_of_files([("weights", tmp_path / "none")]) != before


def test_a_single_module_has_a_digest_and_a_missing_one_has_none(package):
    (package.parent / "m5single.py").write_text("x = 1\n")
    assert len(content.digest_of(part("m5single:Mine"))) == 16
    assert content.digest_of(part("m5nowhere:Mine")) is None
    assert content.digest_of(part("not a name")) is None
