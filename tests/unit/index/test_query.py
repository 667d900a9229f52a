import numpy as np
import pytest

from m5kit.errors import QueryError
from m5kit.index.query import make_query, require_known
from m5kit.public.answers import Embeddings

AXES = {"a": 0, "b": 1, "c": 2}


def embed(items):
    """One axis a modality, and a fourth that only whole pairs have, so that a set is more than the sum of its parts."""
    rows = np.zeros((len(items), 4), np.float32)
    for row, item in zip(rows, items, strict=True):
        for name in item:
            row[AXES[name]] = 1.0
        row[3] = len(item) > 1
    return Embeddings(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.arange(len(items)), {})


def own(*names):
    return embed([dict.fromkeys(names, 1)]).vectors[0]


ITEM = {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    ("weights", "names"),
    [
        ({}, "abc"),
        ({"a": 0.4, "b": 0.4, "c": 0.4}, "abc"),
        ({"a": 0}, "bc"),
        ({"a": 0, "b": 1, "c": 1}, "bc"),
        ({"a": 1, "b": 0, "c": 0}, "a"),
    ],
)
def test_weights_of_0_and_1_give_the_vector_of_that_subset(weights, names):
    np.testing.assert_allclose(make_query(ITEM, weights, embed).vector, own(*names), atol=1e-6)


def test_weights_between_mix_nested_sets():
    mixed = 0.7 * own("a") + 0.2 * own("a", "c") + 0.1 * own("a", "b", "c")
    found = make_query(ITEM, {"b": 0.1, "c": 0.3}, embed).vector
    np.testing.assert_allclose(found, mixed / np.linalg.norm(mixed), atol=1e-6)


def test_a_weight_changes_the_vector_without_a_jump():
    near = make_query(ITEM, {"a": 0.999}, embed).vector @ make_query(ITEM, {}, embed).vector
    assert near > 0.99999


def test_shares_are_those_of_the_modalities_alone_and_sum_to_1():
    query = make_query({"a": 1, "b": 1}, {"b": 0.5}, embed)
    hits = np.array([[1, 0, 0, 0], [0.6, 0.8, 0, 0], [-1, 0, 0, 0]], np.float32)
    shares = query.shares(hits)
    assert shares[0] == {"a": 1.0, "b": 0.0}
    assert shares[1] == {"a": pytest.approx(0.6), "b": pytest.approx(0.4)}
    assert shares[2] == {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize(
    ("item", "weights", "said"),
    [
        ({}, {}, "the query is empty"),
        ({"a": None}, {}, "the query is empty"),
        (ITEM, {"a": 0, "b": 0, "c": 0}, "every modality of the query has weight 0"),
        (ITEM, {"a": 2, "b": float("nan")}, "weight of a: expected a number from 0 to 1, got 2; weight of b"),
        (ITEM, {"a": True}, "weight of a"),
    ],
)
def test_wrong_queries_are_refused(item, weights, said):
    with pytest.raises(QueryError, match=said):
        make_query(item, weights, embed)


def test_what_cannot_be_embedded_is_said_once():
    def refuse(items):
        return Embeddings(np.zeros((0, 4)), np.zeros(0), dict.fromkeys(range(len(items)), "a: cannot read it"))

    with pytest.raises(QueryError) as raised:
        make_query(ITEM, {}, refuse)
    assert str(raised.value) == "a: cannot read it"


def test_unknown_modalities_are_named_with_the_nearest():
    with pytest.raises(QueryError, match=r"reads no 'txt' \(did you mean 'text'\?\); it reads text, sound"):
        require_known(["txt"], ["text", "sound"])
