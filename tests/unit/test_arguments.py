"""Shared arguments: groups in a constructor, flat in a config."""

import inspect
from dataclasses import dataclass

import pytest

from m5kit.arguments import ArgumentGroup, argument_groups, flat_hints, flat_parameters, gather
from m5kit.registry import FAMILIES


@dataclass(frozen=True)
class Size(ArgumentGroup):
    """How large.

    Args:
        layers: how many.
        heads: how many a layer.
    """

    layers: int = 2
    heads: int = 4


@dataclass(frozen=True)
class Place(ArgumentGroup):
    """Where.

    Args:
        row: counted from 0.
    """

    row: int


class Part:
    def __init__(self, *, dim: int, size: Size = Size(heads=8), place: Place, name: str = "x"):
        self.dim, self.size, self.place, self.name = dim, size, place, name


class Bare:
    pass


class OnlyForCheckers:
    def __init__(self, *, dim: "NotImported"):  # noqa: F821
        self.dim = dim


def test_groups_are_flat_and_the_constructors_default_comes_first():
    parameters = flat_parameters(Part)
    empty = inspect.Parameter.empty
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    assert defaults == {"dim": empty, "layers": 2, "heads": 8, "row": empty, "name": "x"}
    assert flat_hints(Part) == {"dim": int, "layers": int, "heads": int, "row": int, "name": str}
    assert argument_groups(Part) == {"size": Size, "place": Place}


def test_gather_fills_groups_and_keeps_the_constructors_defaults():
    part = Part(**gather(Part, {"dim": 3, "row": 1, "layers": 5}))
    assert (part.dim, part.size, part.place, part.name) == (3, Size(5, 8), Place(1), "x")
    assert gather(Bare, {}) == {}


def test_a_group_that_is_given_whole_is_kept():
    assert Part(**gather(Part, {"dim": 3, "row": 1, "size": Size(1, 1)})).size == Size(1, 1)


def test_types_that_only_checkers_import_are_no_obstacle():
    assert list(flat_parameters(OnlyForCheckers)) == ["dim"]
    assert flat_hints(OnlyForCheckers) == {}


@pytest.mark.parametrize("family", FAMILIES)
def test_no_part_has_two_arguments_of_one_name(family):
    for name in FAMILIES[family].built_ins:
        part = FAMILIES[family].get(name)
        written = [each for each in inspect.signature(part).parameters if each not in argument_groups(part)]
        fields = [field for group in argument_groups(part).values() for field in group.__dataclass_fields__]
        assert len({*written, *fields}) == len(written) + len(fields), name
