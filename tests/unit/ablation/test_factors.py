"""Main effects and interactions of a grid, against values that are put together by hand."""

import pytest

from m5kit.ablation.factors import factor_effects, grid_of
from m5kit.ablation.statistics import student_interval
from m5kit.runs.study import SeedValues, StudyRow

SEEDS = {0: -0.02, 1: 0.0, 2: 0.02}  # what a seed adds to all variants alike
A, B = {"1": 0.0, "2": 0.2}, {"x": 0.5, "y": 0.6, "z": 0.7}


def rows(surplus=0.0, lost=()):
    """A grid in which the values of both factors add up, but for ``a=2, b=z``."""
    made = []
    for a, of_a in A.items():
        for b, of_b in B.items():
            extra = surplus if (a, b) == ("2", "z") else 0.0
            values = {seed: of_a + of_b + extra + noise for seed, noise in SEEDS.items() if (a, b, seed) not in lost}
            made.append(StudyRow(variant=f"a={a}, b={b}", metrics={"m": SeedValues(values=values)}))
    return made


def effects(*given, **changes):
    return factor_effects(rows(*given, **changes), ["m"], student_interval)


def test_a_level_is_the_mean_over_all_else_and_its_gain_over_the_grid():
    levels = {(each.factor, each.value): each for each in effects().levels}
    assert list(levels) == [("a", "1"), ("a", "2"), ("b", "x"), ("b", "y"), ("b", "z")]
    assert levels["a", "2"].effect.mean == pytest.approx(0.8)
    assert levels["a", "2"].gain.mean == pytest.approx(0.1)
    assert [levels["b", value].gain.mean for value in "xyz"] == pytest.approx([-0.1, 0.0, 0.1])
    assert (levels["a", "2"].variants, levels["b", "x"].variants) == (3, 2)


def test_what_all_variants_of_a_seed_share_is_no_doubt_about_a_gain():
    level = effects().levels[0]
    assert level.effect.high - level.effect.low > 0.05
    assert level.gain.high == pytest.approx(level.gain.low)


def test_factors_that_add_up_have_no_interaction():
    assert [each.surplus.mean for each in effects().interactions] == pytest.approx([0.0] * 6)


def test_two_values_that_are_worth_more_together_are_found():
    found = {each.values: each for each in effects(0.6).interactions}
    assert max(found, key=lambda values: found[values].surplus.mean) == ("2", "z")
    # 0.6 - 0.6 / 3 - 0.6 / 2 + 0.6 / 6: less what the row, the column and the grid have of it
    assert found["2", "z"].surplus.mean == pytest.approx(0.2)
    assert found["2", "z"].effect.mean == pytest.approx(1.5)


def test_a_seed_that_a_variant_lacks_is_left_out_for_all():
    assert effects(0.0, lost={("1", "x", 2)}).seeds == [0, 1]
    assert effects(0.0, lost={("1", "x", 0), ("1", "y", 1), ("2", "x", 2)}) is None


@pytest.mark.parametrize(
    "variants",
    [
        ["base", "a=1", "a=2"],
        ["a=1", "a=2"],
        ["a=1, b=x", "a=2, b=y"],
        ["a=1, b=x", "b=x, a=2"],
        [],
        ["a=1, b=x", "a=2, b=x"],
    ],
)
def test_other_sweeps_have_no_factors(variants):
    assert grid_of(variants) is None
