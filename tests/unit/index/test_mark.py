import shutil

import numpy as np
import pytest

from m5kit.errors import DataError
from m5kit.index.index import Index
from m5kit.index.mark import MARK
from m5kit.index.rows import Row


@pytest.fixture
def opened(tmp_path, vectors):
    Index.of_vectors(tmp_path / "a", ["a", "b"], vectors[:2])
    index = Index.open(tmp_path / "a")
    assert index.search(vectors[0], top=1)[0].row.id == "a"
    return index


def test_a_reader_does_not_mix_up_two_indexes_in_one_place(opened, tmp_path, vectors):
    shutil.rmtree(tmp_path / "a")
    Index.of_vectors(tmp_path / "a", ["a", "b"], vectors[2:4])
    for ask in (
        lambda: opened.search(vectors[0]),
        lambda: opened.search(like="a"),
        lambda: opened.get(["a"]),
        lambda: len(opened),
        lambda: opened.delete(["a"]),
        lambda: opened.add([Row("c")], vectors[:1]),
    ):
        with pytest.raises(DataError, match="another index was built in"):
            ask()
    assert len(Index.open(tmp_path / "a")) == 2


def test_an_index_that_is_gone_says_so(opened, tmp_path, vectors):
    shutil.move(tmp_path / "a", tmp_path / "b")
    for ask in (lambda: opened.search(vectors[0]), lambda: len(opened), lambda: opened.search(like="a")):
        with pytest.raises(DataError, match="is gone since it was opened"):
            ask()
    shutil.move(tmp_path / "b", tmp_path / "a")
    assert opened.search(vectors[0], top=1)[0].row.id == "a"


def test_an_index_whose_items_are_gone_is_no_endless_loop(opened, tmp_path):
    shutil.rmtree(tmp_path / "a" / "items.lance")
    opened.store.renew()
    with pytest.raises(DataError, match="cannot be"):
        len(opened)


def test_an_index_of_an_earlier_version_has_no_mark(opened, tmp_path, vectors):
    (tmp_path / "a" / MARK).unlink()
    index = Index.open(tmp_path / "a")
    index.add([Row("c")], np.ones((1, vectors.shape[1]), np.float32))
    assert len(index) == 3
