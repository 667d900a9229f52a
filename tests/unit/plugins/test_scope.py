"""A scope is a value: made from the environment, narrowed by a config, handed to child processes."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from m5kit.plugins.scope import (
    ALLOW_VARIABLE,
    LOCAL_VARIABLE,
    STRICT_VARIABLE,
    LocalFile,
    PluginScope,
    current_scope,
    in_use,
)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in (ALLOW_VARIABLE, LOCAL_VARIABLE, STRICT_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_an_empty_environment_allows_all_and_an_empty_list_nothing(monkeypatch):
    assert PluginScope.from_environment() == PluginScope()
    assert PluginScope().allows("anything")
    monkeypatch.setenv(ALLOW_VARIABLE, "")
    assert not PluginScope.from_environment().allows("anything")


def test_lists_are_intersected_and_names_compared_as_package_indexes_do(monkeypatch):
    monkeypatch.setenv(ALLOW_VARIABLE, "M5kit_One, m5kit.two")
    scope = PluginScope.from_environment().narrowed(["m5kit-two", "m5kit-three"])
    assert [scope.allows(f"m5kit-{name}") for name in ("one", "two", "three")] == [False, True, False]
    assert scope.narrowed(None) is scope


@pytest.mark.parametrize(("value", "strict"), [("", False), ("0", False), ("1", True)])
def test_strictness_comes_from_the_environment(monkeypatch, value, strict):
    monkeypatch.setenv(STRICT_VARIABLE, value)
    assert PluginScope.from_environment().strict is strict


def test_a_file_is_known_by_its_content(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("x = 1")
    one = PluginScope().with_files([str(path)])
    path.write_text("x = 2")
    other = one.with_files([str(path)])
    assert len(other.files) == 1
    assert one != other
    assert hash(one) != hash(other)
    assert LocalFile.at(str(tmp_path / "gone.py")).digest == ""


def test_a_child_process_has_the_same_scope_and_this_one_none_of_it(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("x = 1")
    scope = PluginScope(strict=True).narrowed(["m5kit-one"]).with_files([str(path)])
    before = dict(os.environ)
    source = "from m5kit.plugins import PluginScope; print(PluginScope.from_environment())"
    command = [sys.executable, "-c", source]
    given = subprocess.run(command, capture_output=True, text=True, check=True, env=scope.environment())
    with scope.exported():
        inherited = subprocess.run(command, capture_output=True, text=True, check=True)
    assert given.stdout == inherited.stdout == f"{scope}\n"
    assert dict(os.environ) == before


def test_the_environment_is_as_before_also_after_an_error(monkeypatch):
    monkeypatch.setenv(ALLOW_VARIABLE, "mine")
    with suppress(KeyError), PluginScope().exported():
        assert ALLOW_VARIABLE not in os.environ
        raise KeyError
    assert os.environ[ALLOW_VARIABLE] == "mine"


def test_the_scope_at_hand_is_that_of_what_is_being_built():
    outer, inner = PluginScope(strict=True), PluginScope().narrowed([])
    with in_use(outer):
        with in_use(inner):
            assert current_scope() is inner
        assert current_scope() is outer
    assert current_scope() == PluginScope()
