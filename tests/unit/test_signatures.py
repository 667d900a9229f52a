"""What constructors take, and the nearest names to misspelt ones."""

import pytest
from torch import nn

from m5kit.arguments import flat_parameters
from m5kit.signatures import (
    argument_problems,
    constructor_parameters,
    hint,
    is_required,
    suggestion,
)


class Part:
    def __init__(self, *rest: int, size: int, depth: int = 2, **options: int) -> None:
        pass


class Inherits(nn.Module):
    pass


def test_catch_alls_are_no_arguments_that_a_config_can_set():
    assert list(constructor_parameters(Part)) == ["rest", "size", "depth", "options"]
    assert list(flat_parameters(Part)) == ["size", "depth"]
    assert [is_required(each) for each in flat_parameters(Part).values()] == [True, False]


@pytest.mark.parametrize("part", [Inherits, type("Bare", (), {})])
def test_a_class_without_a_constructor_of_its_own_takes_nothing(part):
    assert constructor_parameters(part) == {}
    assert argument_problems(part, {"size": 3}) == ["unknown key 'size'; it takes nothing"]


def test_every_argument_that_is_wrong_or_missing_is_named():
    assert argument_problems(Part, {"depht": 1, "colour": 2}) == [
        "unknown key 'depht', did you mean 'depth'?",
        "unknown key 'colour'; it takes size, depth",
        "'size' is missing",
    ]
    assert argument_problems(Part, {"size": 3}) == []


def test_the_nearest_names_are_offered():
    assert suggestion("conact", ["concat", "contact", "gated"], count=3) == "did you mean 'contact' or 'concat'?"
    assert suggestion("zzz", ["concat"]) == ""
    assert hint("zzz", ["concat", "gated"]) == "it takes concat, gated"


def test_a_word_of_thousands_of_characters_is_near_to_nothing():
    assert suggestion("concat" * 100_000, ["concat"]) == ""  # and found so without a comparison
