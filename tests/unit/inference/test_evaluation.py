"""Evaluating a run: which metrics follow a subset of modalities, which need those of the run, which show a gallery."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from m5kit.errors import CheckpointError, ConfigError
from m5kit.evaluation.base import Embedded, Gallery, GalleryQuery, Metric, MetricValue, Request
from m5kit.inference.evaluation import build_metric, evaluate, evaluate_subsets
from m5kit.parallel.group import Group
from m5kit.plugins import PluginScope
from m5kit.registry import METRICS
from m5kit.runs.folder import RunFolder

CONFIGURED = {
    "plain": {"type": "knn", "train": "train", "test": "test", "label": "kind"},
    "seen": {"type": "knn", "train": "train", "test": "test", "label": "kind", "modalities": ["a"]},
    "half": {"type": "retrieval", "query": "test", "label": "kind", "query_modalities": ["a"]},
    "wrapped": {
        "type": "robustness",
        "kind": "missing",
        "damaged": ["test"],
        "strengths": [1],
        "task": {"type": "retrieval", "query": "test", "label": "kind"},
    },
    "pairs": {"type": "cross_modal", "split": "test"},
    "gone": {"type": "clustering", "split": "nowhere", "label": "kind"},
    "unlabelled": {"type": "clustering", "split": "test", "label": "other"},
}


class Run(SimpleNamespace):
    """Answers every request with vectors that depend on what is seen."""

    def embed(self, requests):
        self.asked = sorted(requests, key=str)
        return {request: self._answer(request) for request in self.asked}

    def _answer(self, request):
        rng = np.random.default_rng(len(str(request)))
        kinds = np.arange(30) % 3
        ids = [f"{request.split} {i}" for i in range(30)]
        return Embedded(ids, rng.normal(size=(30, 4)), {"kind": kinds.astype(str)})


@pytest.fixture
def run(tmp_path):
    sizes = SimpleNamespace(split_sizes=lambda: {"train": 30, "test": 30})
    return Run(
        folder=RunFolder(tmp_path),
        config=SimpleNamespace(evaluation=CONFIGURED, seed=0, plugins=PluginScope(), data=SimpleNamespace(label=None)),
        data=SimpleNamespace(manifest=sizes),
        model=SimpleNamespace(backbone=SimpleNamespace(modalities=("a", "b"), encoders={})),
        group=Group(),
        caveat=None,
    )


def test_everything_that_can_run_gives_values_and_the_rest_a_reason(run):
    found = evaluate(run)
    assert set(found.results) == {"plain", "seen", "half", "wrapped", "pairs"}
    assert found.skipped["gone"] == "the manifest has no split nowhere"
    assert "has a label 'other'" in found.skipped["unlabelled"]


def test_what_leaves_the_modalities_open_follows_the_subsets_and_the_rest_is_left_out(run):
    found = evaluate_subsets(run, [["b"], ["b", "a"]], store=True)
    assert list(found) == ["b", "b+a"]
    assert set(found["b"].results) == {"plain", "wrapped"}
    assert {request.modalities for request in run.asked} == {("b",), ("a", "b")}
    assert set(json.loads(run.folder.views.read_text())) == {"b", "b+a"}


def test_if_nothing_follows_the_subsets_that_is_an_error(run):
    with pytest.raises(ConfigError, match="every metric asked for names its own modalities"):
        evaluate_subsets(run, [["a"]], ["seen", "half", "pairs"])
    with pytest.raises(ConfigError, match=r"evaluation has no metric other; the run's config has: plain, seen"):
        evaluate(run, ["other"])


def test_items_that_a_metric_makes_up_are_seen_as_it_says(run):
    run.config.evaluation = {
        "prompted": {
            "type": "zero_shot",
            "split": "test",
            "label": "kind",
            "classes": ["0", "1"],
            "prompts": {"a": ["{}"]},
        }
    }
    evaluate_subsets(run, [["b"]])
    assert {(bool(request.samples), request.modalities) for request in run.asked} == {(True, ("a",)), (False, ("b",))}


def test_a_metric_that_needs_modalities_gets_those_of_the_run_unless_it_names_some():
    assert set(build_metric(CONFIGURED["pairs"], ("a", "b")).searches) == {"a->b", "b->a"}
    named = {**CONFIGURED["pairs"], "modalities": ["b", "c"]}
    assert set(build_metric(named, ("a", "b")).searches) == {"b->c", "c->b"}


def test_any_metric_may_show_a_gallery(run):
    class Shows(Metric):
        """No retrieval."""

        def requests(self):
            return (Request("test"),)

        def compute(self, embedded, seed):
            return {"one": MetricValue(1.0, None, None, None, 1)}

        def sample_hits(self, embedded, seed):
            return Gallery("test", "test", None, None, "kind", [GalleryQuery("q", "x", [])])

    with METRICS.temporarily("shows", Shows):
        run.config.evaluation = {"mine": {"type": "shows"}, "plain": CONFIGURED["plain"]}
        evaluate(run, store=True)
    assert set(json.loads(run.folder.gallery.read_text())) == {"mine"}


def test_values_of_changed_items_are_stored_with_a_note(run):
    evaluate(run, ["plain"], store=True)
    assert "note" not in json.loads(run.folder.results.read_text())
    run.caveat = "the items changed: 30 then, 29 now"
    evaluate(run, ["plain"], store=True)
    assert json.loads(run.folder.results.read_text())["note"] == run.caveat
    evaluate_subsets(run, [["a"]], ["plain"], store=True)
    assert json.loads(run.folder.views.read_text())["a"]["note"] == run.caveat


def test_damaged_values_of_subsets_are_named_before_the_items_are_embedded(run):
    run.folder.views.write_text("{")
    with pytest.raises(CheckpointError, match=r"views\.json: .*; remove it, and evaluate the subsets again"):
        evaluate_subsets(run, [["a"]], ["plain"], store=True)
    assert not hasattr(run, "asked")
