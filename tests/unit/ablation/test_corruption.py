"""Names of metrics under corruption, and what is read from them."""

import pytest

from m5kit.ablation.corruption import corruption_curve, find_corruptions
from m5kit.runs.study import Estimate

NAMES = [f"half/{figure}|missing={s}" for figure in ("recall@1", "mrr@10") for s in ("0", "0.25", "1")]
NAMES += [f"half/{figure}|missing|relative" for figure in ("recall@1", "mrr@10")]


def test_strengths_are_sorted_as_numbers():
    (found,) = find_corruptions(["t/f|noise=10", "t/f|noise=2", "t/f|noise=1e-05", "t/f|noise=0"], [])
    assert list(found.strengths.items()) == [
        (0.0, "t/f|noise=0"),
        (1e-05, "t/f|noise=1e-05"),
        (2.0, "t/f|noise=2"),
        (10.0, "t/f|noise=10"),
    ]


def test_each_task_shows_the_metric_that_is_wanted_and_else_its_last():
    assert [series.metric for series in find_corruptions(NAMES, ["coarse/recall@1"])] == ["recall@1"]
    assert [series.metric for series in find_corruptions(NAMES, ["coarse/other"])] == ["mrr@10"]


def test_kinds_and_tasks_are_apart_and_metrics_of_pairs_keep_their_names():
    names = ["a/r|x->y|missing=1", "a/r|x->y|noise=1", "b/r|missing=1"]
    found = [(series.task, series.metric, series.kind) for series in find_corruptions(names, [])]
    assert found == [("a", "r|x->y", "missing"), ("a", "r|x->y", "noise"), ("b", "r", "missing")]


@pytest.mark.parametrize("name", ["a/mrr@10", "a/recall@10|mean", "a/r|missing|relative", "a/r|x=y", "a/r|x->y=1"])
def test_other_metrics_are_no_corruption(name):
    assert find_corruptions([name], []) == []


def test_the_names_of_the_metric_are_understood():
    """Names that :class:`m5kit.evaluation.robustness.Robustness` makes, strengths and what is relative alike."""
    import numpy as np

    from m5kit.evaluation.base import Embedded
    from m5kit.evaluation.robustness import Robustness

    search = {"type": "retrieval", "query": "asked", "gallery": "shop", "label": "kind", "ks": [1]}
    metric = Robustness(task=search, damaged=["asked"], kind="missing", strengths=[0.125, 1.0], figures=["mrr@1"])
    embedded = {
        request: Embedded([f"{request.split} {i}" for i in range(2)], np.eye(2), {"kind": ["x", "y"]})
        for request in metric.requests()
    }
    names = [f"dark/{name}" for name in metric.compute(embedded, seed=0)]
    (found,) = find_corruptions(names, [])
    assert (found.task, found.metric, found.kind, list(found.strengths)) == ("dark", "mrr@1", "missing", [0, 0.125, 1])
    assert set(names) == {*found.strengths.values(), found.relative}


def test_a_curve_holds_the_estimate_of_every_strength():
    (series,) = find_corruptions(NAMES, [])
    curve = corruption_curve(series, lambda name: Estimate(mean=len(name)))
    assert [(point.strength, point.mean) for point in curve.curve] == [
        (strength, len(f"half/mrr@10|missing={strength:g}")) for strength in (0.0, 0.25, 1.0)
    ]
    assert curve.relative == Estimate(mean=len("half/mrr@10|missing|relative"))
    assert (curve.task, curve.metric, curve.kind) == ("half", "mrr@10", "missing")
