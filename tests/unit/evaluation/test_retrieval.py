"""Retrieval: who is relevant, who is left out, and figures that a slow evaluator repeats."""

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Corruption, Embedded, Request
from m5kit.evaluation.retrieval import Retrieval


def clouds(count, classes, noise, seed, prefix="item"):
    """Items scattered around the centre of their class, the same centres for every seed."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(classes, 6))
    labels = rng.integers(0, classes, count)
    vectors = centres[labels] + noise * rng.normal(size=(count, 6))
    return Embedded([f"{prefix}{i}" for i in range(count)], vectors, {"coarse": [f"c{label}" for label in labels]})


def released(queries, gallery, k):
    """``map_hits`` and ``precision`` item by item, as the M5Product toolkit counts them."""
    everything = dict(zip(gallery.ids, gallery.labels["coarse"], strict=True))
    everything |= dict(zip(queries.ids, queries.labels["coarse"], strict=True))
    total = np.zeros(2)
    for name, vector, label in zip(queries.ids, queries.vectors, queries.labels["coarse"], strict=True):
        order = [i for i in np.argsort(-(gallery.vectors @ vector), kind="stable") if gallery.ids[i] != name]
        cut = min(k, sum(other == label for other in everything.values()), len(order))
        hits = [gallery.labels["coarse"][i] == label for i in order[:cut]]
        at_hits = [sum(hits[: rank + 1]) / (rank + 1) for rank in range(cut) if hits[rank]]
        total += (np.mean(at_hits) if at_hits else 0.0, sum(hits) / cut)
    return total / len(queries)


@pytest.mark.parametrize("k", [1, 5, 60])
def test_leave_one_out_equals_the_released_evaluator(k):
    items = clouds(60, 7, 1.0, 0)
    figures = Retrieval(query="test", label="coarse", ks=[k], similarity="dot").compute({Request("test"): items}, 0)
    expected = released(items, items, k)
    assert [figures[f"{name}@{k}"].value for name in ("map_hits", "precision")] == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 5, 60])
def test_two_splits_that_share_some_items_equal_the_released_evaluator(k):
    everyone = clouds(60, 12, 1.0, 1)
    queries, gallery = everyone.select(np.arange(0, 25)), everyone.select(np.arange(15, 60))
    metric = Retrieval(query="query", gallery="gallery", label="coarse", ks=[k], similarity="dot")
    figures = metric.compute({metric.queries: queries, metric.gallery: gallery}, 0)
    expected = released(queries, gallery, k)
    assert [figures[f"{name}@{k}"].value for name in ("map_hits", "precision")] == pytest.approx(expected)


def test_random_vectors_score_what_chance_says():
    rng = np.random.default_rng(2)
    items = Embedded(
        [str(i) for i in range(600)], rng.normal(size=(600, 8)), {"coarse": rng.choice(list("abcde"), 600)}
    )
    figures = Retrieval(query="test", label="coarse").compute({Request("test"): items}, 0)
    for name, figure in figures.items():
        assert figure.value == pytest.approx(figure.chance, abs=0.04), name


def test_tight_clouds_are_found_far_above_chance():
    figures = Retrieval(query="test", label="coarse").compute({Request("test"): clouds(80, 4, 0.05, 3)}, 0)
    assert figures["map_std@10"].value == figures["map_std@10"].low == 1.0
    assert figures["map_std@10"].chance < 0.35


def test_the_cosine_ignores_length_and_the_product_does_not():
    queries = Embedded(["q"], [[1.0, 0.0]], {"coarse": ["x"]})
    gallery = Embedded(["near", "long"], [[1.0, 0.0], [9.0, 9.0]], {"coarse": ["x", "y"]})
    for similarity, expected in (("cosine", 1.0), ("dot", 0.0)):
        metric = Retrieval(query="query", gallery="gallery", label="coarse", ks=[1], similarity=similarity)
        figures = metric.compute({metric.queries: queries, metric.gallery: gallery}, 0)
        assert figures["precision@1"].value == expected


def test_by_id_an_item_finds_itself_across_modalities():
    items = clouds(30, 30, 1.0, 4)
    metric = Retrieval(query="test", label="id", ks=[1, 5], query_modalities=["a"], gallery_modalities=["b"])
    seen = Embedded(items.ids, items.vectors + 0.01, items.labels)
    figures = metric.compute({metric.queries: items, metric.gallery: seen}, 0)
    assert metric.requests() == (Request("test", ("a",)), Request("test", ("b",)))
    assert figures["recall@1"].value == 1.0
    assert figures["recall@5"].chance == pytest.approx(5 / 30)


def test_noisy_queries_look_for_themselves_among_clean_items():
    metric = Retrieval(query="test", label="id", noise=0.5, ks=[1])
    noisy, clean = metric.requests()
    assert noisy.corruption == Corruption("noise", strength=0.5)
    assert clean == Request("test")
    vectors = np.eye(4, dtype=np.float32)
    ids = [str(row) for row in range(4)]
    swapped = vectors[[0, 1, 3, 2]]  # two of them look like each other afterwards
    found = metric.compute({noisy: Embedded(ids, swapped, {}), clean: Embedded(ids, vectors, {})}, seed=0)
    assert found["recall@1"].value == 0.5
    assert found["recall@1"].chance == 0.25


def test_unlabelled_queries_are_left_out_and_unlabelled_gallery_items_distract():
    queries = Embedded(["q", "r"], [[1.0, 0.0], [0.0, 1.0]], {"coarse": ["x", ""]})
    gallery = Embedded(["a", "b"], [[1.0, 0.1], [1.0, 0.5]], {"coarse": ["", "x"]})
    metric = Retrieval(query="query", gallery="gallery", label="coarse", ks=[2])
    figures = metric.compute({metric.queries: queries, metric.gallery: gallery}, 0)
    assert figures["mrr@2"].count == 1
    assert figures["mrr@2"].value == 0.5


def test_a_query_that_nothing_answers_scores_nothing_and_is_counted():
    items = Embedded(["a", "b", "c"], np.eye(3), {"coarse": ["x", "x", "alone"]})
    figures = Retrieval(query="test", label="coarse", ks=[2]).compute({Request("test"): items}, 0)
    assert figures["answerable"].value == pytest.approx(2 / 3)
    assert figures["recall@2"].value == figures["recall@2"].chance == pytest.approx(2 / 3)


def test_the_same_seed_gives_the_same_figures():
    metric, items = Retrieval(query="test", label="coarse"), {Request("test"): clouds(40, 5, 1.0, 5)}
    assert metric.compute(items, 1) == metric.compute(items, 1)
    assert metric.compute(items, 1) != metric.compute(items, 2)  # other resamples, other intervals


def test_a_gallery_without_the_label_names_its_split():
    metric = Retrieval(query="query", gallery="shop", label="coarse")
    unlabelled = Embedded(["z"], np.ones((1, 6)))
    with pytest.raises(DataError, match="split 'shop': none of the 1 items has a label 'coarse'"):
        metric.compute({metric.queries: clouds(3, 2, 1.0, 0), metric.gallery: unlabelled}, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ks": []}, r"ks: expected one or more depths of at least 1, got \[\]"),
        ({"ks": [0, 5]}, r"got \[0, 5\]"),
        ({"similarity": "l2"}, "similarity: expected 'cosine' or 'dot', got 'l2'"),
        ({"label": "id", "leave_one_out": True}, "an item may only find itself"),
        ({"space": ""}, "space: expected"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Retrieval(**({"query": "test", "label": "coarse"} | arguments))
