"""The trials of a sweep, and ids that say what they compute."""

import pytest

from m5kit.ablation.plan import make_plan, trial_id
from m5kit.ablation.sweep import ModalitySubset, Sweep
from m5kit.errors import ConfigError

VALUES = {"name": "demo/scale", "seed": 0, "data": {"root": "here", "workers": 2}, "fusion": {"type": "scale"}}


def sweep(**changes) -> Sweep:
    given = {"base": "demo/scale", "vary": {"fusion": ("scale", "gated")}, "metrics": ("a/b",), "seeds": (0, 1)}
    return Sweep(**given | changes)


def resolve(base, overrides):
    fusion = [word.partition("=")[2] for word in overrides if word.startswith("fusion=")]
    if "fusion=bad" in overrides:
        raise ConfigError(["no fusion is named 'bad'"])
    return VALUES | {"base": base, "fusion": {"type": fusion[-1] if fusion else "scale"}}


def test_an_id_is_pinned():
    """An id that changed would make every sweep that runs somewhere start anew."""
    assert trial_id(VALUES, 0) == "9672a8fecf30dfc1"


def test_an_id_depends_on_what_decides_the_figures_only():
    same = [
        VALUES | {"name": "other"},
        VALUES | {"data": {"root": "there", "workers": 0}},
        VALUES | {"seed": 7},
        dict(reversed(VALUES.items())),
    ]
    assert {trial_id(values, 0) for values in same} == {trial_id(VALUES, 0)}
    other = [trial_id(VALUES, 1), trial_id(VALUES | {"fusion": {"type": "gated"}}, 0), trial_id(VALUES, 0, "view")]
    assert len({trial_id(VALUES, 0), *other}) == 4


def test_trials_are_seeds_of_variants_in_the_order_of_the_file():
    plan = make_plan(sweep(set=("schedule.max_steps=2",)), resolve)
    assert [(trial.variant, trial.seed) for trial in plan.trials] == [
        ("base", 0), ("base", 1), ("fusion=gated", 0), ("fusion=gated", 1),
    ]  # fmt: skip
    assert plan.trials[3].overrides == ("schedule.max_steps=2", "fusion=gated", "seed=1")
    assert len({trial.id for trial in plan.trials}) == 4
    assert plan == make_plan(sweep(set=("schedule.max_steps=2",)), resolve)


def test_a_variant_may_start_from_a_base_of_its_own():
    plan = make_plan(
        sweep(mode="list", vary={"ours": (), "clip": {"base": "baselines/clip", "set": ("a=1",)}}), resolve
    )
    assert [(trial.base, trial.overrides) for trial in plan.trials] == [
        ("demo/scale", ("seed=0",)), ("demo/scale", ("seed=1",)),
        ("baselines/clip", ("a=1", "seed=0")), ("baselines/clip", ("a=1", "seed=1")),
    ]  # fmt: skip


def test_a_variant_equal_to_an_earlier_one_is_not_trained_twice():
    plan = make_plan(sweep(reference="fusion=scale"), resolve)
    assert plan.same == {"fusion=scale": "base"}
    assert plan.reference == "base"


def test_views_and_threads_are_part_of_an_id():
    plans = [
        make_plan(sweep(**changes), resolve)
        for changes in ({}, {"evaluate": (ModalitySubset(modalities=("a",)),)}, {"budget": {"threads": 2}})
    ]
    assert len({plan.trials[0].id for plan in plans}) == 3


def test_mistakes_of_all_variants_are_told_at_once():
    vary = {"fine": (), "fusion=bad": ("fusion=bad",), "worse": ("fusion=bad", "x=1")}
    with pytest.raises(ConfigError, match=r"fusion=bad: no fusion is named 'bad'") as error:
        make_plan(sweep(mode="list", vary=vary), resolve)
    assert len(error.value.problems) == 2


def test_a_mistake_that_every_variant_has_is_told_once():
    vary = {"one": ("fusion=bad",), "two": ("fusion=bad", "x=1")}
    with pytest.raises(ConfigError) as error:
        make_plan(sweep(mode="list", vary=vary), resolve)
    assert list(error.value.problems) == ["no fusion is named 'bad'"]
