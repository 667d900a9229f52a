"""The true nearest items, found in one pass."""

import numpy as np

from m5kit.index.truth import Truth


def test_the_true_nearest_are_those_of_one_search_over_everything(vectors):
    truth, names = Truth(), [str(number) for number in range(200)]
    for start in range(0, 200, 64):
        truth.see(names[start : start + 64], vectors[start : start + 64])
    best = np.argsort(-(truth.queries @ vectors.T), axis=1)[:, :10]
    assert truth.nearest == [{names[place] for place in row} for row in best]


def test_queries_may_be_given_and_pieces_smaller_than_what_is_asked_for(vectors):
    truth, names = Truth(vectors[:3]), [str(number) for number in range(200)]
    for start in range(0, 200, 4):
        truth.see(names[start : start + 4], vectors[start : start + 4])
    best = np.argsort(-(vectors[:3] @ vectors.T), axis=1)[:, :10]
    assert truth.nearest == [{names[place] for place in row} for row in best]
