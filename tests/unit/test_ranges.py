import pytest

from m5kit.arguments import flat_hints, flat_parameters
from m5kit.config.parts import Part, given_problem, part_problems
from m5kit.ranges import Count, Dropout, Natural, Positive, Share, TokenId, written
from m5kit.registry import FAMILIES

PARTS = [(family, name) for family, parts in FAMILIES.items() for name in parts.built_ins]
FREE = ("beta2_decay", "init", "std", "mean", "class_weights", "out", "layout")
"""Numbers that may have any sign, or whose range their part knows alone."""


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (Count, (1, 7), (0, -1)),
        (Natural, (0, 7), (-1,)),
        (TokenId, (-1, 0), (-2,)),
        (Share, (0, 0.5, 1), (-0.1, 1.1)),
        (Dropout, (0, 0.9), (1, -0.1)),
        (Positive, (0.1, 3), (0, -1)),
    ],
)
def test_a_number_out_of_its_range_is_a_mistake(kind, right, wrong):
    assert [given_problem(kind, value) for value in right] == [None] * len(right)
    for value in wrong:
        assert given_problem(kind, value).endswith(f"got {value}")


@pytest.mark.parametrize(("family", "name"), PARTS)
def test_every_number_that_a_part_takes_has_a_range(family, name):
    part = FAMILIES[family].get(name)
    hints = flat_hints(part)
    for argument in flat_parameters(part):
        kind = written(hints[argument])
        if argument not in FREE and ("int" in kind or "float" in kind):
            assert ">" in kind, f"{argument}: {kind}; take one of m5kit.ranges"


def test_a_part_is_told_before_it_is_built():
    given = {"type": "scale", "layers": -1, "heads": 0, "dropout": 1.0}
    found = dict(part_problems(Part("fusion", "fusions", given), whole=False))
    assert found == {
        "fusion.layers": "expected a number greater than or equal to 0, got -1",
        "fusion.heads": "expected a number greater than or equal to 1, got 0",
        "fusion.dropout": "expected a number less than 1, got 1.0",
    }
