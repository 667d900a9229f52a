"""A sweep is checked as a whole before anything is trained, and its trials belong to the software that made them."""

import json
from pathlib import Path

import pytest

from m5kit.ablation import preparation
from m5kit.ablation.orchestration import run_sweep
from m5kit.ablation.preparation import estimate_duration, prepare_sweep
from m5kit.errors import CheckpointError, ConfigError
from m5kit.runs import software
from m5kit.runs.sweep_folder import TrialStatus

PLUGIN = """
from m5kit.api import FUSIONS
from m5kit.fusions.concat import ConcatFusion

@FUSIONS.register_module("mine")
class Mine(ConcatFusion):
    FACTOR = 1.0
"""


@pytest.fixture
def sweep(tmp_path, tiny_manifest):
    (tmp_path / "mine.py").write_text(PLUGIN)
    scale = Path(__file__).parents[3] / "configs" / "demo" / "scale.yaml"
    (tmp_path / "base.yaml").write_text(f"_base_: [{scale}]\nplugins: {{local: [mine.py]}}\nfusion: {{type: mine}}\n")

    def prepare(text="base: base.yaml\nmode: list\nvary: {one: [], two: [model.dim=32]}\nseeds: [0]\n", **keys):
        keys = {"metrics": "[coarse/map_std@10]", **keys}
        (tmp_path / "s.yaml").write_text(text + "".join(f"{key}: {value}\n" for key, value in keys.items()))
        return prepare_sweep(tmp_path / "s.yaml", tmp_path / "out", data=tiny_manifest)

    return prepare


@pytest.fixture(scope="module")
def tiny_manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    rows = [{"id": f"{n}", "split": "pretrain", "text": "a red mug", "labels": {"coarse": "mug"}} for n in range(4)]
    (folder / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def ids(prepared):
    return [trial.id for trial in prepared.plan.trials]


def test_ids_are_the_same_until_something_that_decides_the_result_changes(sweep, tmp_path, monkeypatch):
    first = ids(sweep())
    assert ids(sweep()) == first
    (tmp_path / "mine.py").write_text(PLUGIN.replace("1.0", "0.0"))
    edited = ids(sweep())
    assert set(edited).isdisjoint(first)
    monkeypatch.setattr(software, "version_of", lambda name: "99")
    assert set(ids(sweep())).isdisjoint(edited)


def test_nothing_is_written_by_preparing(sweep, tmp_path):
    assert sweep().left == 2
    assert not (tmp_path / "out").exists()


def test_time_is_estimated_from_trials_that_are_done_else_from_the_budget(sweep):
    assert "unknown" in estimate_duration(sweep(), jobs=1)
    assert estimate_duration(sweep(budget="{seconds: 60}"), jobs=2) == "at most 1 min: the budget is 60 s a trial"
    prepared = sweep()
    preparation.trial_folder(prepared.trials, prepared.plan.trials[0]).set_status(TrialStatus("done", seconds=120.0))
    assert estimate_duration(prepared, jobs=1) == "about 2 min, at 120 s a trial as in the 1 done"


def test_a_sweep_that_goes_on_tells_what_has_changed(sweep, tmp_path, monkeypatch):
    from m5kit.ablation import orchestration

    monkeypatch.setattr(orchestration, "run_trials", lambda *given: None)
    told = []
    with pytest.raises(CheckpointError, match="holds no sweep to resume"):
        run_sweep(sweep(), tell=told.append, resume=True)
    run_sweep(sweep(), tell=told.append)
    (tmp_path / "mine.py").write_text(PLUGIN.replace("1.0", "0.0"))
    run_sweep(sweep(), tell=told.append, resume=True)
    (change,) = [line for line in told if "changed" in line]
    assert change.startswith("changed since the sweep began: mine.py ")
    with pytest.raises(CheckpointError, match="already holds a sweep"):
        run_sweep(sweep(), tell=told.append)


def test_a_sweep_file_that_was_edited_is_told(sweep, tmp_path, monkeypatch):
    from m5kit.ablation import orchestration

    monkeypatch.setattr(orchestration, "run_trials", lambda *given: None)
    told = []
    run_sweep(sweep(), tell=told.append)
    run_sweep(sweep(), tell=told.append, resume=True)
    assert not [line for line in told if "another" in line]
    run_sweep(sweep(about="'no more'"), tell=told.append, resume=True)
    (change,) = [line for line in told if "another" in line]
    assert change.startswith("the sweep file is another than when the sweep began: about. ")
    file = tmp_path / "out" / "sweep.json"
    file.write_text('{"software": 3}')
    run_sweep(sweep(), tell=told.append, resume=True)


def test_a_metric_that_no_variant_gives_is_refused_before_training(sweep):
    with pytest.raises(ConfigError) as error:
        sweep(metrics="[corse/map_std@10, coarse/map_std@10]")
    (problem,) = error.value.problems
    assert problem.endswith("s.yaml: metrics: corse/map_std@10: evaluation has no task 'corse'; did you mean 'coarse'?")


def test_a_metric_that_one_variant_gives_is_enough(sweep):
    text = "base: base.yaml\nmode: list\nvary: {one: [], none: [evaluation.coarse=none]}\nseeds: [0]\n"
    assert len(sweep(text).plan.variants) == 2
