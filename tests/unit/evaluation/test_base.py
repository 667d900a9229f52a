import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Figure, Request, labelled


@pytest.fixture
def items():
    labels = {"kind": ["x", "", "y"], "brand": ["", "", ""]}
    return Embedded(["a", "b", "c"], [[1, 2], [3, 4], [5, 6]], labels, {"kind": ["x", "y", "z"]})


def test_requests_that_mean_the_same_are_equal():
    assert Request.of("test", ["b", "a", "b"], "fused") == Request.of("test", ("a", "b"), "fused")
    assert Request.of("test", "a", "fused").modalities == ("a",)
    assert Request.of("test", None, "fused") != Request.of("test", ["a"], "fused")


def test_an_unknown_space_is_refused():
    with pytest.raises(ConfigError, match="space: expected 'fused' or 'contrastive', got 'raw'"):
        Request("test", None, "raw")


def test_vectors_become_contiguous_float32():
    items = Embedded(["a", "b"], np.arange(8.0).reshape(4, 2).T[:, ::2])
    assert items.vectors.dtype == np.float32
    assert items.vectors.flags.c_contiguous
    assert items.vectors.tolist() == [[0, 4], [1, 5]]


def test_labels_and_predictions_stay_with_their_items(items):
    for chosen in (items.select(np.array([2, 0])), items.select(np.array([True, False, True])), items.labelled("kind")):
        by_id = dict(zip(chosen.ids, zip(chosen.label("kind"), chosen.predictions["kind"], strict=True), strict=True))
        assert by_id == {"a": ("x", "x"), "c": ("y", "z")}
        assert sorted(chosen.vectors[:, 0]) == [1, 5]


def test_where_keeps_one_class(items):
    assert items.where("kind", "y").ids.tolist() == ["c"]
    assert len(items.where("kind", "unheard of")) == 0


def test_an_item_is_its_own_class(items):
    assert items.label("id").tolist() == ["a", "b", "c"]


def test_a_label_that_nobody_has_names_those_there_are(items):
    told = "none of the 3 items has a label 'brand' (labels they have: kind); set another label"
    with pytest.raises(DataError) as caught:
        items.label("brand")
    assert str(caught.value).startswith(told)
    with pytest.raises(DataError, match=r"none of the 1 items has a label 'kind' \(labels they have: none\)"):
        Embedded(["a"], [[1.0]]).label("kind")


def test_labelled_names_the_split(items):
    with pytest.raises(DataError, match="split 'test': none of the 3 items has a label 'brand'"):
        labelled({Request("test"): items}, Request("test"), "brand")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((["a", "a", "b"], np.ones((3, 2))), "1 of 3 ids are repeated; give every item its own"),
        ((["a", "b"], [[1, 1], [np.nan, 1]]), "1 embeddings hold NaN or infinity, the first of them 'b's"),
        ((["a", "b"], [[np.inf, 1], [1, 1]]), "the first of them 'a's"),
        ((["a", "b"], np.ones((3, 2))), "2 ids need vectors (2, d) and as many labels; shape=(3, 2) vectors has 3"),
        ((["a", "b"], np.ones(2)), "2 ids need vectors (2, d)"),
        ((["a"], [[1.0]], {"kind": ["x", "y"]}), "label 'kind' has 2"),
        ((["a"], [[1.0]], {}, {"kind": ["x", "y"]}), "prediction of 'kind' has 2"),
    ],
)
def test_what_does_not_fit_together_is_refused(parts, message):
    with pytest.raises(DataError) as caught:
        Embedded(*parts)
    assert message.replace("'b's", "'b''s").replace("'a's", "'a''s").replace("''", "'") in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_a_file_keeps_all_but_the_predictions(items, tmp_path, suffix):
    path = tmp_path / "deep" / f"features{suffix}"
    items.save(path)
    read = Embedded.load(path)
    assert read.ids.tolist() == ["a", "b", "c"]
    assert (read.vectors == items.vectors).all()
    assert {name: values.tolist() for name, values in read.labels.items()} == {
        "kind": ["x", "", "y"],
        "brand": ["", "", ""],
    }
    assert read.predictions == {}


def test_a_file_of_others_may_hold_more_but_not_less(tmp_path):
    np.savez(tmp_path / "theirs.npz", id=np.array(["a"]), vector=np.ones((1, 2)), price=np.array([3.5]))
    assert Embedded.load(tmp_path / "theirs.npz").labels == {}
    np.savez(tmp_path / "less.npz", name=np.array(["a"]))
    with pytest.raises(DataError, match=r"less.npz has no column id and no vector \(it has name\)"):
        Embedded.load(tmp_path / "less.npz")


def test_a_mean_has_an_interval_around_it():
    figure = Figure.mean(np.array([0.0, 1.0, 1.0, 0.0] * 25), chance=0.25, seed=0)
    assert (figure.value, figure.chance, figure.count) == (0.5, 0.25, 100)
    assert 0.38 < figure.low < 0.43
    assert 0.57 < figure.high < 0.62
