"""What queries found, as a person would look at it: whoever was drawn, best hit first, relevance by label."""

import json

import numpy as np

from m5kit.evaluation.base import Embedded
from m5kit.evaluation.retrieval import Retrieval


def test_hits_by_hand():
    metric = Retrieval(query="asked", gallery="shop", label="kind")
    queries = Embedded(["q"], [[1.0, 0.0]], {"kind": ["mug"]})
    shop = Embedded(["a", "b", "c"], [[0.0, 2.0], [3.0, 0.0], [1.0, 1.0]], {"kind": ["jug", "jug", "mug"]})
    found = metric.sample_hits({metric.queries: queries, metric.gallery: shop}, 0, hits=2).as_json()
    hits = found["queries"][0]["hits"]
    assert (found["query_split"], found["gallery_split"], found["label"]) == ("asked", "shop", "kind")
    assert [(hit["id"], hit["label"], hit["relevant"]) for hit in hits] == [("b", "jug", False), ("c", "mug", True)]
    assert np.allclose([hit["score"] for hit in hits], [1.0, 0.5**0.5])


def test_queries_are_drawn_by_the_seed_alone_and_never_find_themselves():
    rng = np.random.default_rng(0)
    labels = {"kind": rng.choice(["x", "y", ""], 40)}
    metric = Retrieval(query="test", label="kind")
    ids = [str(i) for i in range(40)]

    def shown(vectors, seed):
        found = metric.sample_hits({metric.queries: Embedded(ids, vectors, labels)}, seed).as_json()
        assert json.loads(json.dumps(found))["query_modalities"] is None
        assert all(query["label"] and query["id"] not in [h["id"] for h in query["hits"]] for query in found["queries"])
        return [query["id"] for query in found["queries"]]

    first = shown(rng.normal(size=(40, 3)), 1)
    assert len(first) == 6
    assert first == shown(rng.normal(size=(40, 3)), 1)  # other vectors, the same queries
    assert first != shown(rng.normal(size=(40, 3)), 2)


def test_a_small_gallery_gives_few_hits():
    metric = Retrieval(query="test", label="kind")
    items = Embedded(["a", "b"], np.eye(2), {"kind": ["x", "x"]})
    found = metric.sample_hits({metric.queries: items}, 0).as_json()
    assert [[hit["id"] for hit in query["hits"]] for query in found["queries"]] == [["b"], ["a"]]
