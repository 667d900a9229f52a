"""What runs left behind, from a sweep or from anywhere."""

import json

import pytest
import yaml

from m5kit.ablation.outcomes import of_runs, of_sweep
from m5kit.ablation.plan import make_plan
from m5kit.ablation.runner import trial_folder
from m5kit.ablation.sweep import Sweep
from m5kit.errors import CheckpointError
from m5kit.runs.json import write_json
from m5kit.runs.sweep_folder import TrialStatus

RESULTS = {"results": {"coarse": {"mrr@10": {"value": 0.5, "chance": 0.1, "low": 0.4}}}, "skipped": {}}
OTHER = {"results": {"coarse": {"mrr@10": {"value": 0.3, "chance": 0.1, "low": 0.2}}}, "skipped": {}}


@pytest.fixture
def run(tmp_path):
    def make(folder, seed=0, results=RESULTS, **changes):
        path = tmp_path / folder
        path.mkdir(parents=True)
        (path / "config.yaml").write_text(yaml.safe_dump({"name": "demo/scale", "seed": seed, **changes}))
        if results:
            (path / "results.json").write_text(json.dumps(results))
        return path

    return make


def test_runs_that_differ_in_their_seed_only_are_one_variant(run, tmp_path):
    runs = [run("a", 0), run("b", 1), run("c", 0, model={"dim": 8}), run("d", 0, name="demo/gated", fusion="gated")]
    found = of_runs(runs, tmp_path / "report")
    assert [(o.variant, o.seed, o.run) for o in found.outcomes] == [
        ("demo/scale", 0, "../a"),
        ("demo/scale", 1, "../b"),
        ("demo/scale (c)", 0, "../c"),
        ("demo/gated", 0, "../d"),
    ]
    assert found.outcomes[0].scores == {"coarse/mrr@10": {"value": 0.5, "chance": 0.1}}


def test_views_of_a_run_made_by_hand_are_shown_too(run, tmp_path):
    path = run("a")
    write_json(path / "views.json", {"b": OTHER})
    found = of_runs([path], tmp_path)
    assert [(o.subset, o.scores["coarse/mrr@10"]["value"]) for o in found.outcomes] == [("", 0.5), ("b", 0.3)]


def test_values_that_were_copied_from_another_run_are_noted(run, tmp_path):
    path = run("a", results={**RESULTS, "of": {"begun": "another", "step": 4}})
    assert of_runs([path], tmp_path).notes == []  # nothing says how this run began
    write_json(path / "provenance.json", {"config": {"sha256": "abc"}, "seed": 0, "data": {"items": 3}})
    (note,) = of_runs([path], tmp_path).notes
    assert note.startswith("demo/scale, seed 0: results.json: its values are of another run, which began with another")
    assert note.endswith(f"run: m5kit evaluate {path}.")


def test_a_run_without_results_is_listed_as_failed(run, tmp_path):
    found = of_runs([run("a"), run("b", 1, results=None)], tmp_path)
    assert len(found.outcomes) == 1
    assert found.failed[0].reason == f"it has no results.json; run: m5kit evaluate {tmp_path / 'b'}"


def test_the_same_run_twice_is_refused(run, tmp_path):
    with pytest.raises(CheckpointError, match="another of these runs has the same config and the same seed"):
        of_runs([run("a"), run("b")], tmp_path)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds no run"):
        of_runs([tmp_path], tmp_path)


def test_the_run_of_a_trial_brings_its_cost(run, tmp_path):
    path = run("trial/run")
    write_json(tmp_path / "trial" / "trial.json", {})
    write_json(tmp_path / "trial" / "status.json", {"state": "done", "seconds": 3.0})
    assert of_runs([path], tmp_path).outcomes[0].status.seconds == 3.0


def test_a_sweep_is_read_in_the_order_of_its_plan_with_its_views(tmp_path):
    sweep = Sweep(base="x", vary={"f": ("g",)}, seeds=(0,), metrics=("coarse/mrr@10",))
    plan = make_plan(sweep, lambda base, overrides: {"changes": list(overrides)})
    first, second = (trial_folder(tmp_path, trial) for trial in plan.trials)
    write_json(second.run.results, RESULTS)
    write_json(second.run.views, {"a+b": OTHER})
    second.set_status(TrialStatus("done", None, 1.0))
    found = of_sweep(tmp_path, plan, tmp_path)
    assert [(o.variant, o.subset, o.scores["coarse/mrr@10"]["value"]) for o in found.outcomes] == [
        ("f=g", "", 0.5), ("f=g", "a+b", 0.3),
    ]  # fmt: skip
    assert (found.left, found.failed) == (1, [])
    first.set_status(TrialStatus("failed", "why"))
    found = of_sweep(tmp_path, plan, tmp_path)
    assert (found.left, found.failed[0].variant, found.failed[0].reason) == (0, "base", "why")


def test_a_damaged_file_of_a_trial_is_named(tmp_path):
    sweep = Sweep(base="x", vary={"f": ("g",)}, seeds=(0,), metrics=("coarse/mrr@10",))
    plan = make_plan(sweep, lambda base, overrides: {"changes": list(overrides)})
    trial_folder(tmp_path, plan.trials[0]).set_status(TrialStatus("done"))
    write_json(trial_folder(tmp_path, plan.trials[0]).task, {"variant": "f=g"})
    with pytest.raises(
        CheckpointError, match=r"cannot read .*results\.json.* remove its folder to run that trial again"
    ):
        of_sweep(tmp_path, plan, tmp_path)


def test_a_run_with_damaged_results_is_to_be_evaluated_again_and_not_removed(run, tmp_path):
    path = run("a")
    (path / "results.json").write_text("[]")
    with pytest.raises(CheckpointError, match=f"found list; run: m5kit evaluate {path}"):
        of_runs([path], tmp_path)


@pytest.mark.parametrize("seed", [1.5, True, "1", None])
def test_a_seed_is_a_whole_number(run, tmp_path, seed):
    with pytest.raises(CheckpointError, match=r"config\.yaml cannot be read"):
        of_runs([run("a", seed)], tmp_path)


def test_runs_of_trials_have_the_names_of_their_variants(run, tmp_path):
    for trial, dim in (("t1", 8), ("t2", 16)):
        write_json(tmp_path / trial / "trial.json", {"variant": f"model.dim={dim}"})
    runs = [run("t1/run", model={"dim": 8}), run("t2/run", model={"dim": 16}), run("c", model={"dim": 4})]
    assert [o.variant for o in of_runs(runs, tmp_path).outcomes] == ["model.dim=8", "model.dim=16", "demo/scale"]


def test_runs_of_one_name_are_told_apart_by_their_folders(run, tmp_path):
    runs = [run("x/a", model={"dim": 8}), run("y/a", model={"dim": 16}), run("z/a", model={"dim": 4})]
    found = [o.variant for o in of_runs(runs, tmp_path).outcomes]
    assert found == ["demo/scale", "demo/scale (a)", f"demo/scale (a) ({tmp_path / 'z' / 'a'})"]


def test_a_report_does_not_depend_on_whether_its_folder_exists(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = run("a").relative_to(tmp_path)
    (tmp_path / "there").mkdir()
    runs = [of_runs([path], type(path)(out)).outcomes[0].run for out in ("new", "there", "there/../new")]
    assert runs == ["../a"] * 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, None])
def test_a_value_that_is_no_finite_number_counts_as_missing(run, tmp_path, value):
    results = {"results": {"coarse": {"mrr@10": {"value": value, "chance": value, "count": 3}}}, "skipped": {}}
    (outcome,) = of_runs([run("a", results=results)], tmp_path).outcomes
    assert outcome.scores == {"coarse/mrr@10": {"value": None, "chance": None, "count": 3}}


@pytest.mark.parametrize("value", ["0.5", True, [0.5], {}])
def test_a_value_that_is_no_number_is_damage(run, tmp_path, value):
    results = {"results": {"coarse": {"mrr@10": {"value": value}}}, "skipped": {}}
    with pytest.raises(CheckpointError, match=r"results\.json .*value: expected a number, got"):
        of_runs([run("a", results=results)], tmp_path)


def test_a_note_beside_results_reaches_the_report(run, tmp_path):
    found = of_runs([run("a"), run("b", 1, RESULTS | {"note": "the items changed: 3 then, 2 now"})], tmp_path)
    assert found.notes == ["demo/scale, seed 1: the items changed: 3 then, 2 now."]


def test_a_damaged_provenance_reaches_the_report(run, tmp_path):
    path = run("a")
    (path / "provenance.json").write_text("{")
    (note,) = of_runs([path], tmp_path).notes
    assert note.startswith(f"demo/scale, seed 0: cannot read {path}/provenance.json: ")
