"""Retrieval, from vectors to figures, against four other implementations wherever the definitions agree.

Random and degenerate inputs alike: equal scores, nobody relevant, k beyond the gallery, queries in the gallery.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score
from torchmetrics import retrieval as torchmetrics

from m5kit.evaluation.base import Embedded
from m5kit.evaluation.retrieval import Retrieval


@st.composite
def searches(draw):
    """Queries and a gallery of few small whole numbers: scores are exact and often equal; some items are in both."""
    count, asked = draw(st.integers(2, 25)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    classes = draw(st.sampled_from([1, 3, 30]))
    vectors = rng.integers(-draw(st.sampled_from([0, 1, 9])), 10, (count, 3)).astype(np.float32)
    labels = np.array([f"c{label}" for label in rng.integers(0, classes, count)])
    everyone = Embedded([f"item{i:03}" for i in range(count)], vectors, {"kind": labels})
    queries = everyone.select(np.sort(rng.permutation(count)[:asked]))
    gallery = everyone.select(np.sort(rng.permutation(count)[: max(1, count - 3)]))
    return queries, gallery, draw(st.sampled_from([1, 3, 10, 40]))


def figures(queries, gallery, k, **options):
    metric = Retrieval(query="query", gallery="gallery", label="kind", ks=[k], similarity="dot", **options)
    found = metric.compute({metric.queries: queries, metric.gallery: gallery}, 0)
    return {name.partition("@")[0]: figure.value for name, figure in found.items()}


def released(queries, gallery, k):
    """mAP and Prec as ``evaluate_unit_v2.py`` of the released code defines them, one query after the other.

    The ranked list without the query itself; P, the ids with the query's label in the whole ground truth; k' the
    smallest of k, their number and the list's length; AP the mean precision over the hits that were found inside k'.
    """
    truth = dict(zip(gallery.ids.tolist(), gallery.labels["kind"].tolist(), strict=True))
    truth |= dict(zip(queries.ids.tolist(), queries.labels["kind"].tolist(), strict=True))
    average_precisions, precisions = [], []
    for name, vector in zip(queries.ids.tolist(), queries.vectors, strict=True):
        ranked = gallery.ids[np.argsort(-(gallery.vectors @ vector), kind="stable")].tolist()
        ranked = [other for other in ranked if other != name]
        cut = min(k, sum(label == truth[name] for label in truth.values()), len(ranked))
        found, at_hits = 0, []
        for rank, other in enumerate(ranked[:cut], start=1):
            if truth[other] == truth[name]:
                found += 1
                at_hits.append(found / rank)
        average_precisions.append(sum(at_hits) / len(at_hits) if at_hits else 0.0)
        precisions.append(found / cut if cut else 0.0)
    return {"map_hits": np.mean(average_precisions), "precision": np.mean(precisions)}


@settings(max_examples=80, deadline=None)
@given(searches())
def test_the_released_evaluator(search):
    ours = figures(*search)
    for name, value in released(*search).items():
        assert ours[name] == pytest.approx(value), name


@settings(max_examples=40, deadline=None)
@given(searches())
def test_sentence_transformers(search):
    evaluation = pytest.importorskip("sentence_transformers.sentence_transformer.evaluation")
    everyone, gallery, k = search
    labels = dict(zip(gallery.ids.tolist(), gallery.labels["kind"].tolist(), strict=True))
    kinds = everyone.labels["kind"].tolist()
    relevant = {
        q: {i for i, label in labels.items() if label == kind} for q, kind in zip(everyone.ids, kinds, strict=True)
    }
    answered = np.array([bool(relevant[name]) for name in everyone.ids])
    if not answered.any():  # it leaves such queries out; m5kit scores them 0
        assert figures(everyone, gallery, k, leave_one_out=False)["map_std"] == 0
        return
    queries = everyone.select(answered)
    depths = {f"{name}_at_k": [k] for name in ("mrr", "ndcg", "accuracy", "precision_recall", "map")}
    theirs = evaluation.InformationRetrievalEvaluator(
        {name: name for name in queries.ids.tolist()},
        {name: name for name in gallery.ids.tolist()},  # equal scores go by id there, by position here: the same
        {name: relevant[name] for name in queries.ids.tolist()},
        score_functions={"dot": lambda left, right: left @ right.T},
        **depths,
    ).compute_all_metrics(Known(queries, gallery))["dot"]
    ours = figures(queries, gallery, k, leave_one_out=False)
    pairs = {"map_std": "map", "recall": "recall", "hit_rate": "accuracy", "mrr": "mrr", "ndcg": "ndcg"}
    for name, other in pairs.items():
        assert ours[name] == pytest.approx(theirs[f"{other}@k"][k]), name


class Known:
    """Stands for a model of sentence-transformers; it looks embeddings up."""

    def __init__(self, queries, gallery):
        self.queries = dict(zip(queries.ids.tolist(), queries.vectors, strict=True))
        self.gallery = dict(zip(gallery.ids.tolist(), gallery.vectors, strict=True))

    def encode_query(self, names, **_):
        return torch.from_numpy(np.stack([self.queries[name] for name in names]))

    def encode_document(self, names, **_):
        return torch.from_numpy(np.stack([self.gallery[name] for name in names]))


def untied(seed, count=40, asked=15, classes=6):
    """Others break ties otherwise or not at all, so here are none; one query has nobody of its class."""
    rng = np.random.default_rng(seed)
    gallery = Embedded(
        [f"g{i}" for i in range(count)],
        rng.normal(size=(count, 4)),
        {"kind": rng.integers(0, classes, count).astype(str)},
    )
    kinds = [*rng.integers(0, classes, asked - 1).astype(str), "alone"]
    return Embedded([f"q{i}" for i in range(asked)], rng.normal(size=(asked, 4)), {"kind": kinds}), gallery


def positive(scores):
    """In the same order; to torchmetrics' recall an item with a score of 0 or less is not found at all."""
    return torch.from_numpy(scores - scores.min() + 1)


@pytest.mark.parametrize("k", [1, 5, 40, 60])
def test_torchmetrics(k):
    queries, gallery = untied(k)
    scores = positive(queries.vectors @ gallery.vectors.T)
    target = torch.from_numpy(queries.labels["kind"][:, None] == gallery.labels["kind"])
    rows = torch.arange(len(queries))[:, None].expand_as(scores)
    ours = figures(queries, gallery, k)
    for name, other in (
        ("recall", torchmetrics.RetrievalRecall),
        ("hit_rate", torchmetrics.RetrievalHitRate),
        ("ndcg", torchmetrics.RetrievalNormalizedDCG),
        ("mrr", torchmetrics.RetrievalMRR),
    ):
        theirs = other(top_k=k, empty_target_action="neg")(scores.flatten(), target.flatten(), indexes=rows.flatten())
        assert ours[name] == pytest.approx(float(theirs), abs=1e-6), name


def test_torchmetrics_where_no_label_is_rare():
    """Both divide by what was found; with two large classes P never cuts the ranking, so the averages are the same."""
    queries, gallery = untied(3, classes=2)
    queries = queries.select(queries.labels["kind"] != "alone")
    scores, k = positive(queries.vectors @ gallery.vectors.T), 5
    target = torch.from_numpy(queries.labels["kind"][:, None] == gallery.labels["kind"])
    rows = torch.arange(len(queries))[:, None].expand_as(scores).flatten()
    ours = figures(queries, gallery, k)
    for name, other in (("map_hits", torchmetrics.RetrievalMAP), ("precision", torchmetrics.RetrievalPrecision)):
        theirs = other(top_k=k, empty_target_action="neg")(scores.flatten(), target.flatten(), indexes=rows)
        assert ours[name] == pytest.approx(float(theirs), abs=1e-6), name


def test_scikit_learn_over_whole_rankings():
    queries, gallery = untied(4)
    queries = queries.select(queries.labels["kind"] != "alone")  # scikit-learn has no average precision without hits
    scores = queries.vectors @ gallery.vectors.T
    target = queries.labels["kind"][:, None] == gallery.labels["kind"]
    ours = figures(queries, gallery, len(gallery))
    expected = np.mean([average_precision_score(t, s) for t, s in zip(target, scores, strict=True)])
    assert ours["map_std"] == pytest.approx(expected)
    assert ours["ndcg"] == pytest.approx(ndcg_score(target, scores))
