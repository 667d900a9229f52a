"""Parts of a plugin that declare what they are get what built-in parts get: caches, galleries, classes, subsets."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

PARTS = Path(__file__).with_name("declared_parts.py")
CONFIG = """
_base_:
  - data/demo
  - input_image/small
  - input_text/small
  - model/small
  - encoder_text/compact
  - fusion/gated
  - harmonizer/graph
  - schedule/short
plugins: {{local: [{parts}]}}
input_image: {{transform: {{type: declared_pixels}}, cache: true}}
encoder_image: {{type: declared_random}}
task_agree: {{type: declared_agree}}
evaluation:
  nearest: {{type: declared_nearest, items: pretrain, label: coarse}}
  answers: {{type: predictions, split: test, label: coarse}}
seed: 0
"""
FINETUNE = """
_base_: [declared.yaml]
mode: finetune
data: {train: [train], label: coarse}
task_agree: none
head: {type: declared_scores}
"""


@pytest.fixture(scope="module")
def runs(tool, short, demo, tmp_path_factory):
    """A pretraining run and one fine-tuned from it, both evaluated by ``m5kit train`` itself, and their cache."""
    folder = tmp_path_factory.mktemp("declared")
    (folder / "declared.yaml").write_text(CONFIG.format(parts=PARTS))
    patch = pytest.MonkeyPatch()
    patch.setenv("M5KIT_CACHE", str(folder / "cache"))
    (folder / "finetune.yaml").write_text(FINETUNE)
    shared = ["--data", demo, "--run-dir"]
    tool("tools/train.py", folder / "declared.yaml", *shared, folder / "first", *short())
    tool("tools/train.py", folder / "finetune.yaml", *shared, folder / "second", *short(f"init.run={folder / 'first'}"))
    yield folder
    patch.undo()


def spaces(folder):
    with closing(sqlite3.connect(folder / "cache" / "cache.sqlite")) as connection:
        found = connection.execute("SELECT space, COUNT(*) FROM entries GROUP BY space").fetchall()
    return {space.partition("-")[0]: count for space, count in found}


def test_what_the_encoder_freezes_is_cached_and_shared_by_runs(runs):
    assert spaces(runs).keys() == {"inputs", "outputs"}
    assert spaces(runs)["outputs"] > 50


def test_the_transform_learned_though_it_sets_no_flag(runs):
    states = json.loads((runs / "first" / "transforms.json").read_text())
    assert 0 < states["image"]["brightness"] < 1


def test_the_metric_has_its_gallery(runs):
    shown = json.loads((runs / "first" / "gallery.json").read_text())
    assert set(shown) == {"nearest"}
    assert shown["nearest"]["queries"][0]["hits"][0]["id"]


def test_the_head_has_its_classes_and_the_model_answers_with_them(runs):
    results = json.loads((runs / "second" / "results.json").read_text())
    assert "accuracy" in results["results"]["answers"]
    assert "answers" in json.loads((runs / "first" / "results.json").read_text())["skipped"]


def test_the_metric_follows_the_modalities_that_are_seen(runs, tool):
    said = tool("-m", "m5kit", "evaluate", runs / "first", "--all-subsets", "--metrics", "nearest", "--json").stdout
    values = {name: found["results"]["nearest"]["nearest"]["value"] for name, found in json.loads(said).items()}
    assert list(values) == ["image", "text", "image+text"]
    assert values["image+text"] != values["image"]


def test_embedding_with_the_cache_is_embedding_without(runs, tool, demo, monkeypatch):
    for name, cache in (("with", runs / "cache"), ("without", "off")):
        monkeypatch.setenv("M5KIT_CACHE", str(cache))
        tool("tools/embed.py", runs / "first", "--data", demo, "--out", runs / f"{name}.npz", "--split", "test")
    one, other = (np.load(runs / f"{name}.npz")["vector"] for name in ("with", "without"))
    np.testing.assert_allclose(one, other, atol=1e-5)
