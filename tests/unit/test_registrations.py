"""Registrations are read from sources, however they are formatted."""

from textwrap import dedent

import pytest

from m5kit.registrations import Registration, registrations

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
