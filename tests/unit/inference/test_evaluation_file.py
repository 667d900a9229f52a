"""A features file is evaluated without a model: what it answers equals the metric, what it cannot is skipped."""

import sys

import numpy as np
import pytest

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.retrieval import Retrieval
from m5kit.inference.evaluation_file import evaluate_file

TASKS = """
evaluation:
  search: {type: retrieval, query: test, label: kind}
  across: {type: knn, train: train, test: test, label: kind}
  pairs: {type: cross_modal, split: test}
  seen: {type: retrieval, query: test, label: kind, query_modalities: [a]}
  gone: {type: clustering, split: val, label: kind}
"""


@pytest.fixture
def items():
    rng = np.random.default_rng(0)
    split = np.array(["train", "test"]).repeat(20)
    labels = {"kind": rng.choice(["x", "y"], 40), "split": split}
    return Embedded([str(i) for i in range(40)], rng.normal(size=(40, 3)), labels)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "tasks.yaml").write_text(TASKS, encoding="utf-8")
    return tmp_path / "tasks.yaml"


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_figures_are_those_of_the_metric_and_the_rest_is_skipped(items, config, tmp_path, suffix):
    items.save(tmp_path / f"items.{suffix}")
    found = evaluate_file(tmp_path / f"items.{suffix}", config)
    test = items.where("split", "test")
    assert found.results["search"] == Retrieval(query="test", label="kind").compute({Request("test"): test}, 0)
    assert set(found.results) == {"search", "across"}
    assert set(found.skipped) == {"pairs", "seen", "gone"}
    assert "evaluate the run" in found.skipped["pairs"] == found.skipped["seen"]
    assert found.skipped["gone"] == "the file has no item of split val"


def test_a_file_without_splits_serves_tasks_of_one_split(items, config, tmp_path):
    Embedded(items.ids, items.vectors, {"kind": items.labels["kind"]}).save(tmp_path / "items.npz")
    found = evaluate_file(tmp_path / "items.npz", config, ["search", "across"])
    assert found.results["search"]["mrr@10"].count == 40
    assert "no column label_split" in found.skipped["across"]


def test_no_model_is_built(items, config, tmp_path, monkeypatch):
    items.save(tmp_path / "items.npz")
    monkeypatch.setitem(sys.modules, "m5kit.assembly.model", None)
    assert evaluate_file(tmp_path / "items.npz", config, ["search"]).results


def test_mistakes_in_the_tasks_are_named(items, config, tmp_path):
    items.save(tmp_path / "items.npz")
    with pytest.raises(ConfigError, match="evaluation has no metric other; the config has: search, across"):
        evaluate_file(tmp_path / "items.npz", config, ["other"])
    with pytest.raises(ConfigError, match=r"evaluation.search.depth: unknown key"):
        evaluate_file(tmp_path / "items.npz", config, overrides=["evaluation.search.depth=3"])
