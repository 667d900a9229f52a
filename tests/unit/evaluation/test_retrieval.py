import numpy as np
import pytest
import torch
from torchmetrics.retrieval import (
    RetrievalHitRate,
    RetrievalMAP,
    RetrievalMRR,
    RetrievalNormalizedDCG,
    RetrievalPrecision,
    RetrievalRecall,
)

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.retrieval import Retrieval


def run(metric, queries, gallery=None, seed=0):
    """Compute on queries and, if it is another, a gallery."""
    return metric.compute(
        {metric.gallery: gallery, metric.queries: queries} if gallery else {metric.queries: queries}, seed
    )


def slow(queries, gallery, label, k, *, leave_out=True, cosine=True):
    """The mean figures of both definitions of mAP, precision and recall, from sorting each query's scores."""

    def unit(v):
        return v / np.linalg.norm(v) if cosine and v.any() else v

    values = {"map_hits": [], "map_std": [], "precision": [], "recall": []}
    everything = {**dict(zip(gallery.ids, gallery.label(label), strict=True))}
    everything |= dict(zip(queries.ids, queries.label(label), strict=True))
    for name, vector, wanted in zip(queries.ids, queries.vectors, queries.label(label), strict=True):
        if not wanted:
            continue
        offered = [i for i, other in enumerate(gallery.ids) if not (leave_out and other == name)]
        offered.sort(key=lambda i: -np.dot(unit(gallery.vectors[i]), unit(vector)))  # noqa: B023
        hits = [gallery.label(label)[i] == wanted for i in offered]
        known = sum(value == wanted for value in everything.values())
        cut = min(k, known, len(hits))
        at = [sum(hits[: r + 1]) / (r + 1) for r in range(min(k, len(hits))) if hits[r]]
        within = [sum(hits[: r + 1]) / (r + 1) for r in range(cut) if hits[r]]
        values["map_hits"].append(np.mean(within) if within else 0)
        values["map_std"].append(sum(at) / min(k, sum(hits)) if sum(hits) else 0)
        values["precision"].append(sum(hits[:cut]) / cut if cut else 0)
        values["recall"].append(sum(hits[:k]) / sum(hits) if sum(hits) else 0)
    return {f"{name}@{k}": np.mean(each) for name, each in values.items()}


@pytest.fixture
def sets(make):
    """Queries, some of which are in the gallery, of four classes of which the gallery lacks one."""
    generator = np.random.default_rng(5)
    gallery = make(generator.choice(["a", "b", "c", ""], size=40), seed=1)
    others = make(generator.choice(["a", "b", "c", "d", ""], size=15), prefix="query", seed=2)
    both = {name: np.concatenate([others.label("kind"), gallery.label("kind")[:6]]) for name in ("kind",)}
    ids, vectors = (
        np.concatenate(pair) for pair in ((others.ids, gallery.ids[:6]), (others.vectors, gallery.vectors[:6]))
    )
    return Embedded(ids, vectors, both), gallery


@pytest.mark.parametrize("leave_out", [True, False])
@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("k", [1, 5, 10, 60])
def test_figures_equal_their_definitions(sets, k, similarity, leave_out):
    metric = Retrieval(query="q", gallery="g", label="kind", ks=[k], similarity=similarity, leave_one_out=leave_out)
    ours = run(metric, *sets)
    theirs = slow(*sets, "kind", k, leave_out=leave_out, cosine=similarity == "cosine")
    assert {name: ours[name].value for name in theirs} == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("backend", ["torch", "faiss"])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_figures_equal_torchmetrics(make, backend, k):
    """Classes are larger than k, so k' is k; scores are lifted above 0, where torchmetrics stops to count."""
    if backend == "faiss":
        pytest.importorskip("faiss")
    kinds = np.random.default_rng(0).choice(["a", "b", "c"], size=90)
    queries, gallery = make(kinds[:30], prefix="query"), make(kinds[30:], seed=1)
    ours = run(Retrieval(query="q", gallery="g", label="kind", ks=[k], backend=backend), queries, gallery)

    unit = [part.vectors / np.linalg.norm(part.vectors, axis=1, keepdims=True) for part in (queries, gallery)]
    scores = torch.from_numpy(unit[0] @ unit[1].T + 2).flatten()
    truth = torch.from_numpy(queries.label("kind")[:, None] == gallery.label("kind")).flatten()
    number = torch.arange(30).repeat_interleave(60)
    for name, library in {
        "map_hits": RetrievalMAP,
        "precision": RetrievalPrecision,
        "recall": RetrievalRecall,
        "hit_rate": RetrievalHitRate,
        "ndcg": RetrievalNormalizedDCG,
        "mrr": RetrievalMRR,
    }.items():
        assert ours[f"{name}@{k}"].value == pytest.approx(float(library(top_k=k)(scores, truth, number)), abs=1e-6)


def test_the_best_rank_is_the_same_in_both_definitions(sets):
    figures = run(Retrieval(query="q", gallery="g", label="kind"), *sets)
    assert figures["map_hits@1"] == figures["precision@1"]
    assert figures["map_std@1"].value == figures["precision@1"].value


def test_random_vectors_score_what_chance_says(make):
    """Forty draws of embeddings that know nothing: the mean of each figure is its chance level."""
    kinds = np.random.default_rng(1).choice(["a", "b", "c", "d"], p=[0.6, 0.2, 0.15, 0.05], size=60)
    metric = Retrieval(query="q", label="kind", ks=[1, 5])
    runs = [run(metric, make(kinds, seed=seed, apart=0, width=30)) for seed in range(40)]
    for name, figure in runs[0].items():
        values = np.array([each[name].value for each in runs])
        assert figure.chance == pytest.approx(values.mean(), abs=5 * values.std() / np.sqrt(40)), name


def test_a_query_in_the_gallery_does_not_answer_itself():
    pair = Embedded(["1", "2", "3"], [[1, 0], [0, 1], [0.1, 1]], {"kind": ["x", "x", "y"]})
    left_out = run(Retrieval(query="q", label="kind", ks=[1]), pair)
    kept = run(Retrieval(query="q", label="kind", ks=[1], leave_one_out=False), pair)
    assert left_out["precision@1"].value == 0
    assert left_out["answerable"].value == pytest.approx(2 / 3)
    assert kept["precision@1"].value == 1
    assert "answerable" not in kept


def test_instances_across_modalities(make):
    """With the label id every item looks for itself, seen in another way."""
    gallery = make(["x"] * 20)
    noisy = Embedded(gallery.ids, gallery.vectors + 1e-3, gallery.labels)
    metric = Retrieval(query="q", label="id", query_modalities=["a"], gallery_modalities="b", space="contrastive")
    assert metric.requests() == (Request("q", ("a",), "contrastive"), Request("q", ("b",), "contrastive"))
    figures = run(metric, noisy, gallery)
    assert figures["recall@1"].value == 1
    assert figures["recall@1"].chance == pytest.approx(1 / 20)
    assert figures["recall@10"].chance == pytest.approx(1 / 2)


def test_unlabelled_queries_are_left_out_and_unlabelled_gallery_items_distract():
    queries = Embedded(["q1", "q2"], [[1, 0], [0, 1]], {"kind": ["x", ""]})
    gallery = Embedded(["g1", "g2"], [[1, 0], [0.9, 0.1]], {"kind": ["", "x"]})
    figures = run(Retrieval(query="q", gallery="g", label="kind", ks=[1, 2]), queries, gallery)
    assert figures["precision@1"].count == 1
    assert figures["precision@1"].value == 0
    assert figures["recall@2"].value == 1


def test_ties_go_to_the_earlier_item():
    queries = Embedded(["q"], [[1, 0]], {"kind": ["x"]})
    gallery = Embedded(["g1", "g2", "g3"], [[2, 0]] * 3, {"kind": ["y", "x", "x"]})
    figures = run(Retrieval(query="q", gallery="g", label="kind", ks=[1, 2]), queries, gallery)
    assert figures["precision@1"].value == 0
    assert figures["mrr@2"].value == 0.5


def test_a_query_without_an_embedding_finds_what_comes_first_not_an_error():
    queries = Embedded(["q"], [[0, 0]], {"kind": ["x"]})
    gallery = Embedded(["g1", "g2"], [[1, 0], [0, 1]], {"kind": ["x", "y"]})
    assert run(Retrieval(query="q", gallery="g", label="kind", ks=[1]), queries, gallery)["precision@1"].value == 1


def test_one_class_is_always_found(make):
    figures = run(Retrieval(query="q", label="kind", ks=[1, 3]), make(["only"] * 4))
    assert {name: (f.value, f.chance, f.low, f.high) for name, f in figures.items()} == {
        name: (1, pytest.approx(1), 1, 1) for name in figures
    }


def test_no_query_can_be_answered(make):
    figures = run(Retrieval(query="q", label="kind", ks=[3]), make(["x", "y", "z"]))
    assert {name: (f.value, f.chance) for name, f in figures.items() if name != "answerable"} == {
        f"{name}@3": (0, 0) for name in ("map_hits", "map_std", "precision", "recall", "hit_rate", "ndcg", "mrr")
    }
    assert figures["answerable"].value == 0


def test_the_same_split_is_asked_for_once():
    assert Retrieval(query="test", label="kind").requests() == (Request("test"),)
    assert Retrieval(query="q", gallery="g", label="kind").requests() == (Request("q"), Request("g"))


def test_a_gallery_without_labels_is_named(make):
    metric = Retrieval(query="q", gallery="g", label="kind")
    with pytest.raises(DataError, match="split 'g': none of the 2 items has a label 'kind'"):
        run(metric, make(["x"]), make(["", ""], prefix="g"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ks": []}, r"ks: expected one or more depths of at least 1, got \[\]"),
        ({"ks": [0, 5]}, r"ks: expected one or more depths of at least 1, got \[0, 5\]"),
        ({"similarity": "l2"}, "similarity: expected 'cosine' or 'dot', got 'l2'"),
        ({"label": "id", "leave_one_out": True}, "leave_one_out: with label 'id' an item may only find itself"),
        ({"space": "raw"}, "space: expected 'fused' or 'contrastive', got 'raw'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Retrieval(**{"query": "q", "label": "kind", **arguments})
