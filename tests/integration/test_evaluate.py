"""Everything that can be measured of a short run: each task of the whole list gives figures, the same whoever loads."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FULL = ROOT / "configs/_base_/evaluation/full.yaml"


@pytest.fixture(scope="module")
def evaluated(trained, tool, tmp_path_factory):
    """A copy of the run with the whole list of tasks, evaluated."""
    run = tmp_path_factory.mktemp("evaluated") / "run"
    shutil.copytree(trained[0], run)
    config = yaml.safe_load((run / "config.yaml").read_text()) | yaml.safe_load(FULL.read_text())
    config["evaluation"]["prompted"] = {
        "type": "zero_shot",
        "split": "test",
        "label": "coarse",
        "prompts": {"text": ["{}"]},
        "classes": ["calver", "kerwin", "almet", "ospera", "mondel"],
    }
    config["evaluation"]["withheld"] = {
        "type": "attributes",
        "train": "pretrain",
        "test": "train",
        "source": "table",
        "withhold": "property",
        "properties": ["room"],
    }
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    tool("-m", "m5kit", "evaluate", run)
    return run


def test_every_task_gives_figures_but_those_with_too_few_items(evaluated):
    found = json.loads((evaluated / "results.json").read_text())
    names = set(yaml.safe_load(FULL.read_text())["evaluation"]) | {"prompted", "withheld"}
    assert set(found["results"]) | set(found["skipped"]) == names
    assert set(found["skipped"]) <= {"attributes"}  # a set this small has few test items with a property
    assert "accuracy|room" in found["results"]["withheld"]
    missing = found["results"]["missing"]
    assert [name for name in missing if "=" in name] == [
        f"map_std@10|missing={s}" for s in ("0", "0.25", "0.5", "0.75", "1")
    ]
    assert missing["map_std@10|missing=0"] == found["results"]["coarse"]["map_std@10"]
    assert len([name for name in found["results"]["pairs"] if name.startswith("recall@1|")]) == 21


def test_a_gallery_shows_what_queries_found(evaluated):
    shown = json.loads((evaluated / "gallery.json").read_text())
    assert set(shown) == {"coarse", "fine"}
    assert all(1 <= len(query["hits"]) <= 5 for query in shown["coarse"]["queries"])


@pytest.mark.parametrize("kind", ["missing", "noise", "mismatch"])
def test_damage_does_not_depend_on_batches_and_workers(evaluated, kind, monkeypatch):
    from m5kit.assembly import data as run_data
    from m5kit.evaluation.base import Corruption, Request
    from m5kit.inference.trained_run import TrainedRun

    request = Request("test", corruption=Corruption(kind, None, 0.5))
    alone = TrainedRun.open(evaluated, overrides=["data.workers=0"]).embed([request])[request]
    monkeypatch.setattr(run_data, "EVAL_BATCH", 3)
    together = TrainedRun.open(evaluated, overrides=["data.workers=2"]).embed([Request("test"), request])
    np.testing.assert_array_equal(alone.ids, together[request].ids)
    np.testing.assert_allclose(alone.vectors, together[request].vectors, atol=1e-5)
    assert np.abs(together[request].vectors - together[Request("test")].vectors).max() > 1e-3


def test_a_features_file_is_evaluated_without_the_run(evaluated, demo, tool, tmp_path):
    tool("tools/embed.py", evaluated, "--data", demo, "--out", tmp_path / "items.parquet")
    said = tool("-m", "m5kit", "evaluate", tmp_path / "items.parquet", "--config", "demo/scale", "--json").stdout
    stored = json.loads((evaluated / "results.json").read_text())["results"]
    figure = json.loads(said)["results"]["coarse"]["map_std@10"]
    assert figure["value"] == pytest.approx(stored["coarse"]["map_std@10"]["value"])
    refused = tool("-m", "m5kit", "evaluate", tmp_path / "items.parquet", check=False)
    assert refused.returncode == 2
    assert "--config: a features file names no metrics" in refused.stderr
