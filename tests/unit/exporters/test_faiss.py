"""The index finds what is nearest, by every measure, and its rows have names."""

import importlib.util
import json

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError, MissingDependencyError
from m5kit.evaluation.base import Embedded
from m5kit.exporters.faiss import FaissExporter

faiss = pytest.importorskip("faiss")
VECTORS = np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.5]], dtype=np.float32)
ITEMS = Embedded(["far", "鞋", "near"], VECTORS)


def _first(tmp_path, query, **arguments):
    index, names = FaissExporter(**arguments).write(ITEMS, tmp_path / "a.faiss")
    assert names.name == "a.ids.json"
    _, rows = faiss.read_index(str(index)).search(np.array([query], dtype=np.float32), 1)
    return json.loads(names.read_text(encoding="utf-8"))[rows[0, 0]]


@pytest.mark.parametrize(("metric", "found"), [("cosine", "鞋"), ("dot", "far"), ("l2", "near")])
def test_the_nearest_by_each_measure(tmp_path, metric, found):
    assert _first(tmp_path, (0.5, 0.45), metric=metric) == found


def test_another_kind_of_index(tmp_path):
    assert _first(tmp_path, (1.0, 0.9), factory="HNSW8") == "鞋"


def test_an_index_that_needs_more_vectors_says_so(tmp_path):
    with pytest.raises(DataError, match="FAISS cannot make 'IVF100,Flat' of 3 vectors"):
        FaissExporter(factory="IVF100,Flat").write(ITEMS, tmp_path / "a.faiss")


def test_a_factory_that_faiss_does_not_know_is_refused_before_the_work(tmp_path):
    FaissExporter(factory="IVF1024,PQ32").check(tmp_path / "a.faiss")
    with pytest.raises(ConfigError, match="exporter 'faiss': factory 'Flt' for width"):
        FaissExporter(factory="Flt").check(tmp_path / "a.faiss")


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("m5kit.exporters.faiss.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'm5kit\[faiss\]'"):
        FaissExporter().check(tmp_path / "a.faiss")
