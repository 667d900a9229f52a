"""Registrations are read from sources, however they are formatted."""

from pathlib import Path
from textwrap import dedent

import pytest

from m5kit.registrations import Registration, registered_names, registrations

SOURCE = """
    from m5kit.api import FUSIONS, TASKS, Fusion

    @FUSIONS.register_module('mine')
    class Mine(Fusion):
        '''Mixes.

        More about it.
        '''

    @final
    @TASKS.register_module(
        "two"
    )
    class Two: ...

    @dataclass(frozen=True)
    class Plain: ...

    def make():
        @FUSIONS.register_module("hidden")
        class Hidden: ...
"""


def test_classes_under_the_decorator_are_found_and_nothing_else():
    assert registrations(dedent(SOURCE)) == [
        Registration("fusions", "mine", "Mine", "Mixes."),
        Registration("tasks", "two", "Two", ""),
    ]


def test_a_name_that_is_computed_is_not_known():
    assert registrations("@FUSIONS.register_module(NAME)\nclass Mine: ...") == []


def test_what_is_not_python_is_refused():
    with pytest.raises(SyntaxError):
        registrations("class :")


MODULES = sorted((Path(__file__).parents[2] / "m5kit").rglob("*.py"))


def test_the_quick_reading_of_built_ins_finds_what_the_parser_finds():
    found = 0
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        parsed = [(each.family, each.name) for each in registrations(source)]
        assert list(registered_names(source)) == parsed, path
        found += len(parsed)
    assert found > 100
