"""Sweeps: which variants follow from them."""

import pytest

from m5kit.ablation.sweep import Sweep, Variant, reference, variants
from m5kit.config.reader import read_value

GIVEN = {"base": "demo/scale", "metrics": ("coarse/mrr@10",)}


def test_one_factor_changes_one_thing_at_a_time():
    sweep = Sweep(**GIVEN, vary={"fusion": ("a", "b"), "data.dropout": (0.2,)})
    assert variants(sweep) == [
        Variant("base", ()),
        Variant("fusion=a", ("fusion=a",)),
        Variant("fusion=b", ("fusion=b",)),
        Variant("data.dropout=0.2", ("data.dropout=0.2",)),
    ]
    assert reference(sweep) == "base"


def test_a_grid_is_every_combination():
    sweep = Sweep(**GIVEN, mode="grid", vary={"fusion": ("a", "b"), "weighting.pairs": (True, False)})
    assert [variant.overrides for variant in variants(sweep)] == [
        ("fusion=a", "weighting.pairs=true"),
        ("fusion=a", "weighting.pairs=false"),
        ("fusion=b", "weighting.pairs=true"),
        ("fusion=b", "weighting.pairs=false"),
    ]
    assert reference(sweep) == "fusion=a, weighting.pairs=true"


def test_a_list_names_its_variants():
    sweep = Sweep(**GIVEN, mode="list", vary={"all": (), "less": ("x=1", "y=2")}, reference="less")
    assert variants(sweep) == [Variant("all", ()), Variant("less", ("x=1", "y=2"))]
    assert reference(sweep) == "less"


def test_the_older_key_for_metrics_is_understood():
    assert Sweep(base="demo/scale", figures=("coarse/mrr@10",), vary={}).metrics == ("coarse/mrr@10",)


@pytest.mark.parametrize(
    "text", ["1", "5e-4", "~", "true", "", " x", "a: b", "a\nb", "# c", "shop #2", "it's", "plain"]
)
def test_a_text_stays_a_text_on_its_way_to_the_config(text):
    (_, variant) = variants(Sweep(**GIVEN, vary={"data.label": (text,)}))
    key, _, value = variant.overrides[0].partition("=")
    assert (key, read_value(value.strip(), "--set").value) == ("data.label", text)


def test_a_text_that_is_a_list_is_one():
    (_, variant) = variants(Sweep(**GIVEN, vary={"data.train": ("[train, val]",)}))
    assert variant.overrides == ("data.train=[train, val]",)
