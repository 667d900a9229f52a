import json

import pytest
import torch
from torch import nn

from m5kit.runs import checkpoint
from m5kit.runs.damage import damage
from m5kit.runs.folder import RunFolder
from m5kit.runs.origin import NOTED, beginning, changed_since, noted, of_another_run, origin

CONFIG = "seed: 0\nfusion: {type: scale}\ndata: {root: demo}\nschedule: {max_steps: 3}\n"


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.config.write_text(CONFIG)
    folder.transforms.write_text('{"text": ["cup"]}')
    return folder


def test_a_run_that_moves_or_goes_on_for_longer_stays_the_same(folder):
    before = origin(folder.path)
    folder.config.write_text(CONFIG.replace("demo", "elsewhere").replace("3", "30"))
    assert origin(folder.path) == before is not None


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.yaml", CONFIG.replace("0", "1")),
        ("config.yaml", CONFIG.replace("scale", "mean")),
        ("transforms.json", '{"text": ["mug"]}'),
        ("classes.json", '{"kind": ["a"]}'),
    ],
)
def test_another_seed_another_part_and_other_words_make_another_run(folder, file, content):
    before = origin(folder.path)
    (folder.path / file).write_text(content)
    assert origin(folder.path) != before


@pytest.mark.parametrize("content", [None, "a: [", "- a\n"])
def test_without_a_config_nothing_is_claimed(folder, content):
    folder.config.unlink()
    if content is not None:
        folder.config.write_text(content)
    assert origin(folder.path) is None


def _provenance(folder, schedule="3 steps", seed=0, data="12 items", **more):
    noted = {"config": {"sha256": schedule}, "seed": seed, "data": {"rows": data}, **more}
    folder.provenance.write_text(json.dumps(noted))


@pytest.mark.parametrize("other", [{"schedule": "30 steps"}, {"data": "13 items"}, {"seed": 1}])
def test_a_checkpoint_of_a_run_with_another_schedule_or_other_items_is_named(folder, other):
    model = nn.Linear(2, 2)
    _provenance(folder)
    found = checkpoint.save(folder.checkpoints, 2, model, torch.optim.SGD(model.parameters()), keep=1)
    assert damage(found) is None
    _provenance(folder, **other)
    assert damage(found).startswith("it is of another run, which began with another config")


def test_a_run_that_goes_on_with_changed_items_stays_the_same(folder):
    _provenance(folder)
    before = beginning(folder.path)
    _provenance(folder, data="13 items", data_before=[{"rows": "12 items"}])
    assert beginning(folder.path) == before is not None


@pytest.mark.parametrize(
    "content", [None, "{", "[]", "{}", '{"data": {}, "seed": 0, "config": []}', '{"data_before": 3}']
)
def test_without_a_whole_provenance_nothing_is_claimed(folder, content):
    _provenance(folder)
    state = {"run": origin(folder.path), "begun": beginning(folder.path)}
    folder.provenance.unlink()
    if content is not None:
        folder.provenance.write_text(content)
    assert beginning(folder.path) is None
    told = of_another_run(state, folder.path)
    # what cannot be read at all is named by whoever opens the run
    assert (told is None) == (content in (None, "{", "[]"))
    assert of_another_run({"run": origin(folder.path)}, folder.path) is None


def test_checkpoints_of_earlier_versions_are_not_refused(folder):
    _provenance(folder)
    assert of_another_run({}, folder.path) is None
    assert of_another_run({"run": origin(folder.path)}, folder.path) is None


WITH_METRICS = CONFIG + "evaluation: {a: {type: knn}, b: {type: retrieval}}\nlogging: {every_steps: 1}\n"


@pytest.mark.parametrize(
    ("config", "provenance", "told"),
    [
        (WITH_METRICS, {}, []),
        (WITH_METRICS.replace("data: {root: demo}", "data: {root: elsewhere}"), {"data": "13 items"}, []),
        (WITH_METRICS.partition(", b:")[0] + "}\n", {}, ["evaluation in config.yaml", "logging in config.yaml"]),
        (WITH_METRICS.replace("max_steps: 3", "max_steps: 30"), {}, ["schedule in config.yaml"]),
        (WITH_METRICS, {"plugins": []}, ["provenance.json"]),
    ],
)
def test_what_was_edited_or_cut_since_a_checkpoint_was_written_is_told(folder, config, provenance, told):
    folder.config.write_text(WITH_METRICS)
    _provenance(folder, plugins=[{"key": "fusion"}])
    state = {NOTED: noted(folder.path)}
    folder.config.write_text(config)
    _provenance(folder, **{"plugins": [{"key": "fusion"}], **provenance})
    assert changed_since(state, folder.path) == told
    assert changed_since({}, folder.path) == []  # of an earlier version
