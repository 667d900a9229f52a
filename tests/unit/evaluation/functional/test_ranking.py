import numpy as np
import pytest
import torch
from torchmetrics.functional.retrieval import (
    retrieval_average_precision,
    retrieval_hit_rate,
    retrieval_normalized_dcg,
    retrieval_precision,
    retrieval_recall,
    retrieval_reciprocal_rank,
)

from m5kit.evaluation.functional.ranking import SCORES, Ranking, chances, map_hits, map_std, precision, scores

KS = (1, 2, 5, 10, 25, 40)


def slow(hits, relevant, known, ranked, k):
    """Every score of one query from its definition, rank by rank; ``hits`` is a list as long as the gallery."""
    cut, found, at_hits, all_hits = min(k, known, ranked), 0, [], []
    gain, first = 0.0, 0.0
    for rank, hit in enumerate(hits[:k], start=1):
        if hit:
            found += 1
            all_hits.append(found / rank)
            gain += 1 / np.log2(rank + 1)
            first = first or 1 / rank
            if rank <= cut:
                at_hits.append(found / rank)
    ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(k, relevant) + 1))
    return {
        "map_hits": sum(at_hits) / len(at_hits) if at_hits else 0.0,
        "map_std": sum(all_hits) / min(k, relevant) if relevant else 0.0,
        "precision": len(at_hits) / cut if cut else 0.0,
        "recall": found / relevant if relevant else 0.0,
        "hit_rate": float(found > 0),
        "ndcg": gain / ideal if relevant else 0.0,
        "mrr": first,
    }


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("k", KS)
def test_scores_equal_their_definitions(ranking, name, k):
    rows = zip(ranking.hits.tolist(), ranking.relevant, ranking.known, ranking.ranked, strict=True)
    np.testing.assert_allclose(SCORES[name](ranking, k), [slow(*row, k)[name] for row in rows], atol=1e-12)


LIBRARY = {
    "map_hits": retrieval_average_precision,
    "precision": retrieval_precision,
    "recall": retrieval_recall,
    "hit_rate": retrieval_hit_rate,
    "ndcg": retrieval_normalized_dcg,
    "mrr": retrieval_reciprocal_rank,
}


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("k", [1, 5, 10, 25])
def test_scores_equal_torchmetrics(ranking, name, k):
    """With more known items than the gallery has, k' is k, and all but map_std have a counterpart."""
    ample = Ranking(ranking.hits, ranking.relevant, np.full(60, 1000), ranking.ranked)
    falling = torch.arange(25, 0, -1.0)
    theirs = [float(LIBRARY[name](falling, torch.tensor(hits), top_k=k)) for hits in ranking.hits.tolist()]
    np.testing.assert_allclose(SCORES[name](ample, k), theirs, atol=1e-6)


def test_map_hits_equals_torchmetrics_at_the_shortened_cut(ranking):
    falling = torch.arange(25, 0, -1.0)
    cuts = np.minimum(10, ranking.known).tolist()
    theirs = [
        float(retrieval_average_precision(falling, torch.tensor(hits), top_k=cut))
        for hits, cut in zip(ranking.hits.tolist(), cuts, strict=True)
    ]
    np.testing.assert_allclose(map_hits(ranking, 10), theirs, atol=1e-6)


def test_map_at_one_is_precision_at_one(ranking):
    assert (map_hits(ranking, 1) == precision(ranking, 1)).all()
    assert (map_std(ranking, 1) == precision(ranking, 1)).all()


def test_map_hits_may_rise_with_k_and_is_never_below_map_std(ranking):
    late = Ranking(np.array([[False, True, True]]), np.array([9]), np.array([10]), np.array([20]))
    assert [round(float(map_hits(late, k)[0]), 4) for k in (1, 2, 3)] == [0, 0.5, 0.5833]
    assert [round(float(map_std(late, k)[0]), 4) for k in (1, 2, 3)] == [0, 0.25, 0.3889]
    ample = Ranking(ranking.hits, ranking.relevant, np.full(60, 1000), ranking.ranked)
    assert (map_hits(ample, 10) >= map_std(ample, 10) - 1e-12).all()


def test_known_items_shorten_precision():
    """Three items share the label, the query among them: the released code divides by 3, not by 10."""
    found = Ranking(np.array([[True, False, True, True]]), np.array([2]), np.array([3]), np.array([4]))
    assert float(precision(found, 10)[0]) == pytest.approx(2 / 3)


def test_only_counts_from_the_top_stand_at_the_last_depth_alone(ranking):
    assert list(scores(ranking, (1, 5))) == [
        "map_hits@1",
        "map_std@1",
        "precision@1",
        "recall@1",
        "map_hits@5",
        "map_std@5",
        "precision@5",
        "recall@5",
        "hit_rate@5",
        "ndcg@5",
        "mrr@5",
    ]
    assert list(chances(ranking, (1, 5))) == list(scores(ranking, (1, 5)))


def test_nothing_relevant_scores_zero_by_chance_too():
    nothing = Ranking(np.zeros((2, 3), bool), np.zeros(2, int), np.array([0, 1]), np.array([3, 3]))
    for values in (scores(nothing, KS), chances(nothing, KS)):
        assert {name for name, value in values.items() if np.any(value)} == set()


def test_a_gallery_of_the_query_alone_has_nothing_to_rank():
    empty = Ranking(np.zeros((1, 5), bool), np.array([0]), np.array([1]), np.array([0]))
    assert not any(value.any() for value in scores(empty, (1, 5)).values())
    assert set(chances(empty, (1, 5)).values()) == {0.0}


@pytest.mark.parametrize(
    ("relevant", "known", "gallery"),
    [(1, 2, 12), (5, 6, 12), (12, 13, 12), (3, 3, 20), (2, 9, 4), (1, 1, 1), (0, 1, 6)],
)
def test_chances_are_what_random_order_scores(relevant, known, gallery):
    generator = np.random.default_rng(relevant + gallery)
    trials = 20_000
    order = generator.random((trials, gallery)).argsort(1)
    hits = order < relevant
    drawn = Ranking(hits, *(np.full(trials, number) for number in (relevant, known, gallery)))
    for k in (1, 3, 10):
        exact = chances(drawn, (k,))
        for name, values in scores(drawn, (k,)).items():
            error = max(5 * values.std() / np.sqrt(trials), 1e-9)
            assert exact[name] == pytest.approx(values.mean(), abs=error), name
