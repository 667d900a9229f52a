"""Comparing runs: which metrics are shown unless told."""

import errno
import json

import pytest

from m5kit.ablation import comparison
from m5kit.ablation.comparison import compare_runs, one_of_each_task
from m5kit.ablation.outcomes import Found, RunOutcome
from m5kit.errors import CheckpointError, ConfigError
from m5kit.runs.sweep_folder import TrialStatus


@pytest.mark.parametrize(
    ("there", "shown"),
    [
        (["a/mrr@1", "a/mrr@10", "b/accuracy"], ["a/mrr@10", "b/accuracy"]),
        (["a/mrr@10", "a/mrr@10|noise=0", "a/mrr@10|noise|relative"], ["a/mrr@10"]),
        (["pairs/r@1|mean", "pairs/r@1|x->y", "pairs/coverage|x->y", "b/accuracy"], ["pairs/r@1|mean", "b/accuracy"]),
        (["noise/mrr@10|noise=0", "noise/mrr@10|noise=1", "b/accuracy"], ["b/accuracy"]),
        (["noise/mrr@10|noise=0", "noise/mrr@10|noise=1"], ["noise/mrr@10|noise=1"]),
        ([], []),
    ],
)  # fmt: skip
def test_one_metric_of_each_task_is_shown_and_none_of_its_parts(there, shown):
    scores = {name: {"value": 0.5, "chance": None} for name in there}
    assert one_of_each_task(Found([RunOutcome("plain", "", 0, scores, TrialStatus("done"), "run")])) == shown


def test_a_metric_with_a_chance_level_goes_before_a_share_without():
    scores = {
        "a/mrr@10": {"value": 0.5, "chance": 0.1},
        "a/answerable": {"value": 0.9, "chance": None},
        "b/x": {"value": 0.9, "chance": None},
        "b/y": {"value": 0.9, "chance": None},
    }
    found = Found([RunOutcome("plain", "", 0, scores, TrialStatus("done"), "run")])
    assert one_of_each_task(found) == ["a/mrr@10", "b/y"]


def test_metrics_that_no_run_has_are_named(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("name: plain\nseed: 0\n")
    results = {"results": {"kind": {"mrr@10": {"value": 0.5, "chance": 0.1, "count": 3}}}, "skipped": {}}
    (run / "results.json").write_text(json.dumps(results))
    with pytest.raises(ConfigError) as caught:
        compare_runs([run], tmp_path / "out", metrics=["kind/mmr@10", "nope"])
    assert caught.value.problems == (
        "--metrics: no run has a value 'kind/mmr@10'; did you mean 'kind/mrr@10'?",
        "--metrics: no run has a value 'nope'; there are: kind/mrr@10 and others",
    )


def test_a_report_that_is_refused_leaves_no_folder(tmp_path):
    with pytest.raises(CheckpointError):
        compare_runs([tmp_path / "nothing"], tmp_path / "new" / "report")
    assert list(tmp_path.iterdir()) == []


def test_a_report_of_a_damaged_gallery_leaves_no_folder(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text("name: demo\nseed: 0\n")
    (run / "results.json").write_text(json.dumps({"results": {"a": {"mrr": {"value": 0.5, "chance": 0.1}}}}))
    (run / "gallery.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"gallery\.json: .*remove it to report without these examples"):
        compare_runs([run], tmp_path / "new" / "report")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("finished", [False, True])
def test_a_report_that_stops_halfway_leaves_no_half_and_takes_nobody_elses(finished, tmp_path, monkeypatch):
    run, out = tmp_path / "run", tmp_path / "new" / "report"
    run.mkdir()
    (run / "config.yaml").write_text("name: demo\nseed: 0\n")
    (run / "results.json").write_text(json.dumps({"results": {"a": {"mrr": {"value": 0.5, "chance": 0.1}}}}))

    def full(found, question, folder, drawing):
        (folder / "pictures").mkdir()
        (folder / "report.md").write_text("half")
        if finished:  # by another process
            (folder / "report.html").write_text("whole")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(comparison, "report_on", full)
    with pytest.raises(OSError, match="No space left"):
        compare_runs([run], out)
    assert (tmp_path / "new").exists() == finished
