"""Every ordered pair of modalities: who is asked for, who takes part, and what is said about those who do not."""

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.cross_modal import CrossModal
from m5kit.evaluation.retrieval import Retrieval


def seen_as(seed, lacking=(), count=12, noise=0.1):
    """The same items as one modality shows them; those at ``lacking`` do not have it."""
    shared = np.random.default_rng(0).normal(size=(count, 5))
    vectors = shared + noise * np.random.default_rng(seed).normal(size=(count, 5))
    vectors[list(lacking)] = 0
    labels = {"kind": [f"k{i % 3}" for i in range(count)]}
    return Embedded([str(i) for i in range(count)], vectors, labels)


def test_each_modality_is_embedded_once_for_all_ordered_pairs():
    metric = CrossModal(split="test", modalities=["c", "a", "b"])
    assert list(metric.searches) == ["a->b", "a->c", "b->a", "b->c", "c->a", "c->b"]
    assert metric.requests() == tuple(Request("test", (m,), "contrastive") for m in "abc")


def test_a_pair_equals_retrieval_among_the_items_that_have_both_sides():
    metric = CrossModal(split="test", modalities=["a", "b"], ks=[1, 3])
    left, right = metric.requests()
    embedded = {left: seen_as(1, [0, 1]), right: seen_as(2, [1, 2, 3], noise=1.0)}
    figures = metric.compute(embedded, 0)
    both = np.arange(4, 12)
    alone = Retrieval(
        query="test", label="id", ks=[1, 3], query_modalities="a", gallery_modalities="b", space="contrastive"
    ).compute({left: embedded[left].select(both), right: embedded[right].select(both)}, 0)
    assert figures["recall@3|a->b"] == alone["recall@3"]
    assert figures["recall@3|a->b"].chance == pytest.approx(3 / 8)
    assert (figures["coverage|a->b"].value, figures["coverage|a->b"].count) == (pytest.approx(8 / 12), 12)
    mean = (figures["recall@1|a->b"].value + figures["recall@1|b->a"].value) / 2
    assert (figures["recall@1|mean"].value, figures["recall@1|mean"].count) == (pytest.approx(mean), 2)


def test_by_a_label_each_side_needs_its_own_modality_only():
    metric = CrossModal(split="asked", gallery="shop", modalities=["a", "b"], label="kind", pairs=[["a", "b"]], ks=[2])
    asked, shop = metric.requests()
    figures = metric.compute({asked: seen_as(1, [0]), shop: seen_as(2, [5, 6])}, 0)
    assert set(figures) == {"map_std@2|mean", "mrr@2|mean", "map_std@2|a->b", "mrr@2|a->b", "coverage|a->b"}
    assert figures["map_std@2|a->b"].count == 11


def test_sides_may_be_several_modalities():
    metric = CrossModal(split="test", modalities=["a", "b", "c"], pairs=[["a", ["c", "b"]]])
    assert list(metric.searches) == ["a->c+b"]
    assert metric.requests() == (Request("test", ("a",), "contrastive"), Request("test", ("b", "c"), "contrastive"))


def test_a_pair_that_nobody_has_is_counted_and_has_no_figures():
    metric = CrossModal(split="test", modalities=["a", "b", "c"], ks=[1])
    everyone = range(12)
    embedded = dict(zip(metric.requests(), (seen_as(1), seen_as(2), seen_as(3, everyone)), strict=True))
    figures = metric.compute(embedded, 0)
    assert figures["coverage|a->c"].value == 0
    assert "recall@1|a->c" not in figures
    assert figures["recall@1|mean"].count == 2
    with pytest.raises(DataError, match="no item has both sides of any of the pairs a->b, a->c"):
        metric.compute(dict.fromkeys(metric.requests(), seen_as(1, everyone)), 0)


@pytest.mark.parametrize(
    ("modalities", "pairs"), [(["a"], None), (["a", "b"], []), (["a", "b"], [["a"]]), (["a", "b"], ["ab"])]
)
def test_what_is_no_pair_is_refused(modalities, pairs):
    with pytest.raises(ConfigError, match="pairs: expected query and gallery side"):
        CrossModal(split="test", modalities=modalities, pairs=pairs)
