"""What a run was made of, from its folder."""

import json
import re

import pytest

from m5kit.ablation.origin import doubts, read_origin
from m5kit.runs.folder import RunFolder
from m5kit.runs.origin import beginning, origin
from m5kit.runs.study import RunOrigin

PROVENANCE = {
    "m5kit": {"version": "0.1.0", "git": {"of": "m5kit", "commit": "0123456789abcdef", "dirty": True}},
    "plugins": [{"distribution": "m5kit-fusion-film", "version": "1.2"}],
    "data": {"manifest": "annotations.jsonl", "sha256": "fedcba9876543210", "items": 2000},
    "python": "3.11.7",
    "libraries": {"torch": "2.14.1"},
}


def make(path, step):
    (path / "checkpoints" / f"step_{step:07d}").mkdir(parents=True)
    (path / "provenance.json").write_text(json.dumps(PROVENANCE))
    return RunFolder(path)


def test_data_steps_and_versions_are_named(tmp_path):
    config = {"data": {"root": "shop"}, "schedule": {"max_steps": 4000}}
    assert read_origin(make(tmp_path, 4000), config) == RunOrigin(
        data="shop/annotations.jsonl, 2,000 items, sha256 fedcba9876",
        steps="4,000",
        versions={
            "m5kit": "0.1.0 (0123456789, modified)",
            "m5kit-fusion-film": "1.2",
            "Python": "3.11.7",
            "torch": "2.14.1",
        },
    )


def test_a_run_that_was_stopped_early_says_so(tmp_path):
    assert read_origin(make(tmp_path, 193), {"schedule": {"max_steps": 400}}).steps == "193 of 400"


@pytest.mark.parametrize("length", [{"minutes": 10}, {"epochs": 4}])
def test_a_run_of_minutes_or_passes_planned_no_steps(tmp_path, length):
    assert read_origin(make(tmp_path, 193), {"schedule": {"max_steps": 400, **length}}).steps == "193"


def test_where_the_best_checkpoint_was_evaluated_its_step_counts(tmp_path):
    folder = make(tmp_path, 400)
    best = folder.checkpoints / "best"
    best.mkdir()
    (best / "state.json").write_text('{"step": 193}')
    assert read_origin(folder, {"schedule": {"max_steps": 400}}).steps == "193, the best of 400"
    (best / "state.json").write_text("{")
    assert read_origin(folder, {"schedule": {"max_steps": 400}}) == RunOrigin()


def test_a_folder_that_tells_nothing_is_no_error(tmp_path):
    assert read_origin(RunFolder(tmp_path), {}) == RunOrigin()


@pytest.mark.parametrize("wrong", [{"python": {"a": 1}}, {"m5kit": {"version": [1]}}, {"libraries": {"torch": 2}}])
def test_versions_that_are_no_texts_tell_nothing(tmp_path, wrong):
    folder = make(tmp_path, 4000)
    folder.provenance.write_text(json.dumps(PROVENANCE | wrong))
    assert read_origin(folder, {}) == RunOrigin()


@pytest.fixture
def saved(tmp_path):
    """A run with a checkpoint that knows which run it is of."""
    folder = make(tmp_path, 400)
    begun = {"config": {"sha256": "abc"}, "seed": 0, "data": {"items": 3}}
    folder.provenance.write_text(json.dumps(begun))
    folder.config.write_text("seed: 0\nfusion: {type: scale}\n")
    state = {"run": origin(folder.path), "begun": beginning(folder.path)}
    (folder.checkpoints / "step_0000400" / "state.json").write_text(json.dumps(state))
    return folder


def test_files_that_belong_together_leave_no_doubt(saved, tmp_path_factory):
    assert doubts(saved) is None
    assert doubts(RunFolder(tmp_path_factory.mktemp("shared"))) is None


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        (
            "config.yaml",
            "seed: 5\nfusion: {type: scale}\n",
            "config.yaml, transforms.json or classes.json was changed",
        ),
        ("provenance.json", "{}", "provenance.json was changed since: it no longer says what the run began with"),
        ("provenance.json", "", "cannot read .*provenance.json: Expecting value"),
        ("provenance.json", "[1]", "cannot read .*provenance.json: expected a JSON object, found list"),
    ],
)
def test_a_file_of_another_run_or_a_damaged_one_is_told(saved, file, content, told):
    (saved.path / file).write_text(content)
    assert re.search(told, doubts(saved))
