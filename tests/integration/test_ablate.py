"""A small sweep and a report, as a user runs them."""

import json
import shutil

import pytest

SWEEP = """
base: demo/scale
vary: {fusion: [gated]}
set: [schedule.max_steps=2, schedule.batch_size=4, data.workers=0, logging.every_steps=1, encoder_video=none]
seeds: [0]
evaluate: [{modalities: [image, text]}]
figures: [coarse/map_std@10, clustering/ami]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory, demo, tool):
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "fusion.yaml").write_text(SWEEP)
    arguments = ["tools/ablate.py", folder / "fusion.yaml", "--data", demo, "--out", folder / "out", "--jobs", "2"]
    return folder / "out", arguments, tool(*arguments).stdout


def without_cost(out):
    study = json.loads((out / "study.json").read_text())
    return [{key: value for key, value in row.items() if key != "cost"} for row in study["rows"]]


@pytest.mark.slow
def test_a_sweep_trains_evaluates_and_reports(swept):
    out, _, said = swept
    assert "done base, seed 0 in" in said
    assert "done fusion=gated, seed 0 in" in said
    rows = json.loads((out / "study.json").read_text())["rows"]
    assert [(row["variant"], row["view"]) for row in rows] == [
        ("base", ""), ("base", "image+text"), ("fusion=gated", ""), ("fusion=gated", "image+text"),
    ]  # fmt: skip
    assert all(0 <= row["figures"]["coarse/map_std@10"]["mean"] <= 1 for row in rows)
    assert all(row["cost"]["seconds"]["mean"] > 1 for row in rows if not row["view"])
    assert rows[0]["cost"]["memory"] > 2**27
    assert rows[0]["cost"]["parameters"] != rows[2]["cost"]["parameters"]
    assert "fusion=gated, sees image+text" in (out / "report.md").read_text()


@pytest.mark.slow
def test_a_lost_trial_is_trained_again_to_the_same_figures(swept, tool, tmp_path):
    out, arguments, _ = swept
    before = without_cost(out)
    refused = tool(*arguments, check=False)
    assert refused.returncode == 2
    assert "already holds a sweep; add --resume" in refused.stderr
    lost = next(path.parent for path in out.glob("trials/*/trial.json") if "gated" in path.read_text())
    shutil.rmtree(lost)
    said = tool(*arguments, "--resume").stdout
    assert "done fusion=gated" in said
    assert "done base" not in said
    assert without_cost(out) == before


@pytest.mark.slow
def test_sweeps_share_trials(swept, demo, tool, tmp_path):
    out, arguments, _ = swept
    shared = ("--out", tmp_path / "again", "--trials", out / "trials")
    said = tool(*arguments[:2], "--data", demo, *shared).stdout
    assert "done" not in said
    assert json.loads((tmp_path / "again" / "study.json").read_text())["progress"] == {
        "done": 2,
        "failed": 0,
        "left": 0,
    }
    assert "<h2>Learning curves</h2>" in (tmp_path / "again" / "report.html").read_text()


@pytest.mark.slow
def test_any_runs_make_a_page(swept, tool, tmp_path):
    runs = sorted(path.parent for path in swept[0].glob("trials/*/run/results.json"))
    tool("tools/report.py", *runs, "--out", tmp_path / "page")
    text = (tmp_path / "page" / "report.md").read_text()
    assert "2 runs done." in text
    assert "## Cost" in text


def test_a_dry_run_lists_the_trials_and_starts_nothing(demo, tool, tmp_path):
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("seeds: [0]", "seeds: [0, 1, 2]\nbudget: {seconds: 600}"))
    arguments = (tmp_path / "sweep.yaml", "--data", demo, "--out", tmp_path / "none", "--dry-run")
    said = tool("-m", "m5kit", "ablate", *arguments).stdout
    assert "6 trials, 6 to run, 1 at once" in said
    assert "at most 60 min: the budget is 600 s a trial" in said
    assert not (tmp_path / "none").exists()


def test_mistakes_of_every_variant_are_told_before_anything_starts(demo, tool, tmp_path):
    (tmp_path / "sweep.yaml").write_text("base: demo/scale\nvary: {fusion: [gatde], model.dmi: [8]}\nfigures: [a/b]\n")
    done = tool("-m", "m5kit", "ablate", tmp_path / "sweep.yaml", "--data", demo, "--out", tmp_path / "o", check=False)
    assert done.returncode == 2
    assert "did you mean 'gated'" in done.stderr
    assert "did you mean 'dim'" in done.stderr
    assert not (tmp_path / "o").exists()
