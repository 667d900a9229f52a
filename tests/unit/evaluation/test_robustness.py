"""Robustness runs another task on damaged items: which are damaged, how figures are named, what is left of them."""

import numpy as np
import pytest

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Corruption, Embedded, Request
from m5kit.evaluation.robustness import Robustness

SEARCH = {"type": "retrieval", "query": "asked", "gallery": "shop", "label": "kind", "ks": [1]}


def items(count, noise, seed):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 3, count)
    vectors = np.eye(3)[kinds] + noise * rng.normal(size=(count, 3))
    return Embedded([f"{seed} {i}" for i in range(count)], vectors, {"kind": kinds.astype(str)})


def test_only_the_damaged_splits_are_asked_for_again():
    metric = Robustness(task=SEARCH, damaged=["asked"], kind="missing", modality="sight", strengths=[0.5])
    assert metric.requests() == (
        Request("asked"),
        Request("shop"),
        Request("asked", corruption=Corruption("missing", "sight", 0.5)),
    )


def test_figures_at_every_strength_and_relative_to_the_clean_one():
    metric = Robustness(task=SEARCH, damaged=["asked"], kind="noise", strengths=[2, 1], figures=["recall@1", "mrr@1"])
    shop, noises = items(30, 0.0, 0), {None: 0.0, 1.0: 0.5, 2.0: 5.0}
    embedded = {
        r: shop if r.split == "shop" else items(40, noises[r.corruption and r.corruption.strength], 1)
        for r in metric.requests()
    }
    figures = metric.compute(embedded, 0)
    assert [name for name in figures if name.startswith("mrr")] == [
        *("mrr@1|noise=0", "mrr@1|noise=1", "mrr@1|noise=2"),
        "mrr@1|noise|relative",
    ]
    values = [figures[f"mrr@1|noise={s}"].value for s in (0, 1, 2)]
    assert values[0] == 1.0 > values[1] > values[2]
    assert figures["mrr@1|noise|relative"].value == pytest.approx((values[1] + values[2]) / 2)


def test_nothing_is_relative_to_nothing():
    metric = Robustness(task=SEARCH, damaged=["asked"], kind="missing", strengths=[1], figures=["recall@1"])
    nobody = Embedded(["q"], [[0.0, 0.0, -1.0]], {"kind": ["2"]})
    figures = metric.compute({r: nobody if r.split == "asked" else items(30, 0.0, 0) for r in metric.requests()}, 0)
    assert set(figures) == {"recall@1|missing=0", "recall@1|missing=1"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "fog"}, "kind: expected 'missing', 'noise', 'mismatch', 'withheld', got 'fog'"),
        ({"kind": "withheld"}, "kind: expected 'missing', 'noise' or 'mismatch'"),
        ({"strengths": [1.5]}, "missing takes a share from 0 to 1, got 1.5"),
        ({"damaged": ["home"]}, "damaged: the metric uses the splits asked, shop, got home"),
        ({"damaged": []}, "got none"),
        ({"task": SEARCH | {"depth": 3}}, "unknown key 'depth'"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Robustness(**{"task": SEARCH, "damaged": ["asked"], "kind": "missing"} | arguments)
