"""The baselines of the paper's table 5 and FLAVA, each trained for two steps as a user trains it."""

import json
import math
from pathlib import Path

import pytest

LEAVES = sorted(path.stem for path in (Path(__file__).parents[2] / "configs" / "baselines").glob("*.yaml"))
TASKS = {
    "image_text": {"contrastive", "masked_image", "masked_text"},
    "image_only": {"masked_image"},
    "text_only": {"masked_text"},
    "vilbert": {"masked_image", "masked_text", "matching"},
    "visualbert": {"masked_text", "matching"},
    "vl_bert": {"masked_image", "masked_text"},
    "uniter": {"masked_image", "masked_text", "matching", "alignment"},
    "clip": {"contrastive"},
    "capture": {"contrastive", "masked_image", "masked_text"},
    "flava": {"contrastive", "masked_image", "masked_text", "matching"},
}


def test_every_leaf_is_listed():
    assert sorted(TASKS) == LEAVES


@pytest.mark.slow
@pytest.mark.parametrize("leaf", LEAVES)
def test_a_baseline_trains_on_its_own_tasks_and_is_scored(leaf, demo, tmp_path, tool, short):
    run = tmp_path / leaf
    steps = short("schedule.max_steps=2", "data.dropout=0.0")
    tool("tools/train.py", f"configs/baselines/{leaf}.yaml", "--data", demo, "--run-dir", run, *steps)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert {key.removeprefix("loss/") for key in rows[-1] if key.startswith("loss/")} == TASKS[leaf]
    results = json.loads((run / "results.json").read_text())["results"]
    assert {"coarse", "classification", "clustering"} <= results.keys()
