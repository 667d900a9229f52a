"""Ranking scores against slow references written from the definitions, torchmetrics and scikit-learn."""

from itertools import permutations
from math import log2

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score
from torchmetrics.functional import retrieval as reference

from m5kit.evaluation.functional.ranking import SCORES, Ranking, chances, scores


def slow(hits, relevant, known, ranked, k):
    """All scores of one query in plain Python; ``map_hits`` and ``precision`` as in the M5Product toolkit."""
    cut = min(k, known, ranked)
    found = [sum(hits[: i + 1]) / (i + 1) for i in range(cut) if hits[i]]
    standard = [sum(hits[: i + 1]) / (i + 1) for i in range(min(k, len(hits))) if hits[i]]
    gain = sum(1 / log2(i + 2) for i in range(min(k, len(hits))) if hits[i])
    ideal = sum(1 / log2(i + 2) for i in range(min(k, relevant)))
    first = next((i for i in range(min(k, len(hits))) if hits[i]), None)
    return {
        "map_hits": sum(found) / len(found) if found else 0.0,
        "map_std": sum(standard) / min(k, relevant) if relevant else 0.0,
        "precision": sum(hits[:cut]) / cut if cut else 0.0,
        "recall": sum(hits[:k]) / relevant if relevant else 0.0,
        "hit_rate": float(any(hits[:k])),
        "ndcg": gain / ideal if relevant else 0.0,
        "mrr": 0.0 if first is None else 1 / (first + 1),
    }


def random_ranking(seed, queries=40, gallery=30, depth=30):
    """Whole rankings of a gallery, some with nothing relevant, some with everything."""
    rng = np.random.default_rng(seed)
    hits = rng.random((queries, gallery)) < rng.choice([0.0, 0.05, 0.3, 1.0], (queries, 1))
    relevant = hits.sum(1)
    known = relevant + rng.integers(1, 3, queries)
    return Ranking(hits[:, :depth], relevant, known, np.full(queries, gallery))


@pytest.mark.parametrize("k", [1, 3, 10, 30, 50])
@pytest.mark.parametrize("name", SCORES)
def test_every_score_equals_its_definition(name, k):
    ranking = random_ranking(k)
    rows = zip(ranking.hits, ranking.relevant, ranking.known, ranking.ranked, strict=True)
    expected = [slow([bool(h) for h in hits], int(r), int(p), int(n), k)[name] for hits, r, p, n in rows]
    np.testing.assert_allclose(SCORES[name](ranking, k), expected, atol=1e-12)


def torchmetrics_scores(function, ranking, k):
    order = torch.arange(ranking.hits.shape[1], 0, -1).float()
    return [float(function(order, torch.tensor(row), top_k=k)) for row in ranking.hits]


@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("recall", reference.retrieval_recall),
        ("hit_rate", reference.retrieval_hit_rate),
        ("ndcg", reference.retrieval_normalized_dcg),
        ("mrr", reference.retrieval_reciprocal_rank),
    ],
)
def test_agrees_with_torchmetrics(name, function, k):
    ranking = random_ranking(7)
    np.testing.assert_allclose(SCORES[name](ranking, k), torchmetrics_scores(function, ranking, k), atol=1e-6)


@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize(
    ("name", "function"),
    [("map_hits", reference.retrieval_average_precision), ("precision", reference.retrieval_precision)],
)
def test_agrees_with_torchmetrics_where_the_label_does_not_cut_the_ranking_short(name, function, k):
    some = random_ranking(8)
    ranking = Ranking(some.hits, some.relevant, np.full(40, 1000), some.ranked)
    np.testing.assert_allclose(SCORES[name](ranking, k), torchmetrics_scores(function, ranking, k), atol=1e-6)


@pytest.mark.parametrize("k", [1, 5, 30])
def test_ndcg_agrees_with_scikit_learn(k):
    ranking = random_ranking(9)
    ranks = np.arange(30, 0, -1)[None]
    expected = [ndcg_score(row[None].astype(int), ranks, k=k) for row in ranking.hits]
    np.testing.assert_allclose(SCORES["ndcg"](ranking, k), expected, atol=1e-12)


def test_map_hits_and_precision_are_one_number_at_depth_one():
    ranking = random_ranking(3)
    np.testing.assert_array_equal(SCORES["map_hits"](ranking, 1), SCORES["precision"](ranking, 1))


def test_map_hits_may_rise_with_depth_where_map_std_falls():
    ranking = Ranking(
        np.array([[True, False, False], [False, True, False]]), np.array([9, 9]), np.array([10, 10]), np.array([30, 30])
    )
    assert SCORES["map_hits"](ranking, 1).mean() == 0.5
    assert SCORES["map_hits"](ranking, 3).mean() == 0.75
    assert SCORES["map_std"](ranking, 3).mean() == pytest.approx((1 / 3 + 1 / 6) / 2)


def test_a_rare_label_cuts_the_released_precision_short():
    ranking = Ranking(np.array([[True, False, False, False]]), np.array([1]), np.array([2]), np.array([9]))
    assert SCORES["precision"](ranking, 4).tolist() == [0.5]  # the toolkit looks at 2 ranks, not at 4


def test_nothing_relevant_scores_nothing_by_skill_or_by_chance():
    ranking = Ranking(np.zeros((1, 3), dtype=bool), np.array([0]), np.array([1]), np.array([3]))
    assert set(scores(ranking, [1, 3, 5]).keys()) == set(chances(ranking, [1, 3, 5]))
    assert all(value[0] == 0 for value in scores(ranking, [1, 3, 5]).values())
    assert all(value == 0 for value in chances(ranking, [1, 3, 5]).values())


def test_a_gallery_of_nothing_scores_nothing():
    ranking = Ranking(np.zeros((1, 2), dtype=bool), np.array([0]), np.array([1]), np.array([0]))
    assert all(value[0] == 0 for value in scores(ranking, [2]).values())
    assert all(value == 0 for value in chances(ranking, [2]).values())


@pytest.mark.parametrize("k", [1, 2, 3, 6, 9])
@pytest.mark.parametrize(("relevant", "known"), [(0, 1), (1, 1), (1, 2), (2, 3), (3, 9), (6, 7)])
def test_the_chance_level_is_the_mean_over_all_orders(relevant, known, k):
    orders = np.array(list(set(permutations([True] * relevant + [False] * (6 - relevant)))))
    count = len(orders)
    ranking = Ranking(orders, np.full(count, relevant), np.full(count, known), np.full(count, 6))
    measured = {name: value.mean() for name, value in scores(ranking, [k]).items()}
    assert chances(ranking, [k]) == pytest.approx(measured, abs=1e-12)


def test_the_chance_level_averages_over_queries():
    ranking = Ranking(np.zeros((2, 1), dtype=bool), np.array([1, 3]), np.array([2, 4]), np.array([10, 10]))
    assert chances(ranking, [1])["precision@1"] == pytest.approx(0.2)


def test_the_chance_level_of_a_large_gallery_is_finite():
    ranking = Ranking(np.zeros((1, 10), dtype=bool), np.array([5000]), np.array([5001]), np.array([1_000_000]))
    assert chances(ranking, [10])["hit_rate@10"] == pytest.approx(1 - 0.995**10, rel=1e-4)
