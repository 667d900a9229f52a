from dataclasses import replace

import numpy as np
import pytest

from m5kit.errors import DataError, M5KitError, UsageError
from m5kit.index.index import Index


@pytest.mark.parametrize(
    ("ids", "properties", "said"),
    [
        (None, None, "ids: expected a list of ids, got None"),
        ("ab", None, "ids: expected a list of ids, got 'ab'"),
        (["a", "b"], 3, "properties: expected lists of values by name, got 3"),
        (["a", "b"], {3: [1, 2]}, "properties: expected lists of values by name"),
        (["a", "b"], {"p": 3}, "properties: expected a list of values for 'p', got 3"),
        (["a", "b"], {"p": "xy"}, "properties: expected a list of values for 'p', got 'xy'"),
        (["a", "b"], {"p": [{}, {}]}, "p: expected a text, a number, a boolean or a list of them, got {}"),
    ],
)
def test_what_is_no_list_is_named(tmp_path, vectors, ids, properties, said):
    with pytest.raises(M5KitError) as told:
        Index.of_vectors(tmp_path / "new", ids, vectors[:2], properties)
    assert str(told.value).startswith(said)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("given", ["i01", None, 3])
def test_a_text_in_place_of_ids_deletes_nothing(tmp_path, vectors, given):
    index = Index.of_vectors(tmp_path / "new", ["i", "0", "1"], vectors[:3])
    with pytest.raises(UsageError, match="ids: expected a list of ids"):
        index.delete(given)
    assert len(index) == 3


@pytest.mark.parametrize("numbers", [np.arange(3), np.arange(3, dtype=np.float32), [0, 1, np.int8(2)]])
def test_numbers_of_numpy_are_numbers_to_filter_by(tmp_path, vectors, numbers):
    index = Index.of_vectors(tmp_path / "new", ["a", "b", "c"], vectors[:3], {"price": numbers})
    assert {hit.row.id for hit in index.search(where="price > 0.5")} == {"b", "c"}


def test_nan_is_no_value_and_no_text(tmp_path, vectors):
    index = Index.of_vectors(tmp_path / "new", ["a", "b", "c"], vectors[:3], {"price": [1.0, float("nan"), np.nan]})
    assert {hit.row.id for hit in index.search(where="price is null")} == {"b", "c"}
    assert {hit.row.id for hit in index.search(where="price < 2")} == {"a"}


def test_what_is_no_run_is_named(tmp_path, vectors):
    Index.of_vectors(tmp_path / "new", ["a"], vectors[:1])
    with pytest.raises(UsageError, match=r"run: expected a run that m5kit\.load opened, got 'runs/shop'"):
        Index.open(tmp_path / "new", run="runs/shop")


def test_an_index_of_vectors_alone_names_no_run(tmp_path, vectors):
    index = Index.of_vectors(tmp_path / "new", ["a"], vectors[:1])
    with pytest.raises(DataError, match="was built from vectors alone, and not by the run in runs/shop"):
        index.about.require_same(replace(index.about, run="runs/shop", fingerprint="a"))


def test_a_data_frame_is_read_by_position(tmp_path, vectors):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {"price": pandas.array([1, None, 3], dtype="Int64"), "name": ["x", "y", None]}, index=[2, 0, 1]
    )
    for number, given in enumerate((frame, dict(frame.items()))):
        index = Index.of_vectors(tmp_path / f"{number}", ["a", "b", "c"], vectors[:3], given)
        rows = index.get(["a", "b", "c"])
        assert [dict(rows[name].values) for name in "abc"] == [{"price": 1, "name": "x"}, {"name": "y"}, {"price": 3}]
