"""Embedded splits: what they accept, refuse and keep."""

import numpy as np
import pytest

from m5kit.errors import DataError
from m5kit.evaluation.base import Embedded, Request, labelled
from m5kit.evaluation.features import read_columns
from m5kit.evaluation.precision import rounded


@pytest.fixture
def items():
    labels = {"coarse": ["shoe", "", "hat"], "unused": ["", "", ""]}
    return Embedded(["p", "q", "r"], np.arange(6, dtype=np.float64).reshape(3, 2), labels)


def test_items_without_the_label_are_left_out(items):
    kept = items.labelled("coarse")
    assert kept.ids.tolist() == ["p", "r"]
    assert kept.vectors.tolist() == [[0, 1], [4, 5]]
    assert kept.labels["coarse"].tolist() == ["shoe", "hat"]


def test_each_item_is_its_own_id(items):
    assert items.label("id").tolist() == ["p", "q", "r"]
    assert items.labelled("id") is items


def test_the_items_with_one_value(items):
    assert items.where("coarse", "hat").ids.tolist() == ["r"]


@pytest.mark.parametrize("name", ["fine", "unused"])
def test_a_label_nobody_has_is_an_error_with_the_split_and_the_labels_there_are(items, name):
    request = Request("test")
    with pytest.raises(DataError, match=rf"split 'test': none of the 3 items has a label '{name}' .*have: coarse\)"):
        labelled({request: items}, request, name)


def test_predictions_follow_their_items():
    items = Embedded(["p", "q"], np.eye(2), {}, {"coarse": ["shoe", "hat"]})
    assert items.select(np.array([1])).predictions["coarse"].tolist() == ["hat"]


@pytest.mark.parametrize(
    ("ids", "vectors", "labels", "message"),
    [
        (["p", "q"], np.ones((1, 2)), {}, "2 ids need vectors"),
        (["p"], np.ones(2), {}, r"shape=\(2,\)"),
        (["p"], np.ones((1, 2)), {"coarse": ["x", "y"]}, "label 'coarse' has 2"),
        (["p"], np.ones((1, 2)), {"coarse": [["x", "y"]]}, r"label 'coarse' has shape \(1, 2\)"),
        (["p"], np.ones((1, 2)), {"coarse": "x"}, r"label 'coarse' has shape \(\)"),
        ([["p", "q"]], np.ones((2, 2)), {}, r"the column of ids has shape \(1, 2\)"),
        ("p", np.ones((1, 2)), {}, r"the column of ids has shape \(\)"),
        (["p", "q"], np.ones((2, 0)), {}, "the vectors of all 2 items have no numbers"),
        (["p", "p"], np.ones((2, 2)), {}, "1 of 2 ids are repeated"),
        (
            ["p", "q"],
            np.array([[0.0], [np.nan]]),
            {},
            "1 of 2 embeddings hold NaN or infinity, the first of them that of 'q'",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(ids, vectors, labels, message):
    with pytest.raises(DataError, match=message):
        Embedded(ids, vectors, labels)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
@pytest.mark.parametrize("precision", ["float16", "int8", "binary"])
def test_vectors_in_fewer_bits_are_read_back_as_they_were_rounded(tmp_path, suffix, precision):
    drawn = np.random.default_rng(0).normal(size=(5, 16)).astype(np.float32)
    saved = Embedded([*"abcde"], rounded(drawn, precision), precision=precision)
    saved.save(tmp_path / f"x{suffix}")
    np.testing.assert_allclose(Embedded.load(tmp_path / f"x{suffix}").vectors, saved.vectors, atol=1e-6)
    column = "bits" if precision == "binary" else "vector"
    stored = read_columns(tmp_path / f"x{suffix}")[column]
    assert stored.dtype == {"float16": np.float16, "int8": np.int8, "binary": np.uint8}[precision]
