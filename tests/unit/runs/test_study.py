"""A study is read as it was written, under the keys that its file has had from the beginning."""

import json

import pytest

from m5kit.errors import CheckpointError
from m5kit.runs.study import (
    CorruptionCurve,
    CorruptionPoint,
    Cost,
    Difference,
    Estimate,
    FailedRun,
    Interval,
    RunOrigin,
    SeedValues,
    Study,
    StudyProgress,
    StudyRow,
)

DIFFERENCE = {"pairs": 2, "mean": 0.2, "low": 0.1, "high": 0.3, "p": 0.5, "holm": None}
CURVE = {
    "task": "dark",
    "figure": "mrr@10",
    "kind": "noise",
    "curve": [{"strength": 0.5, "mean": 0.4, "low": None, "high": None, "chance": 0.1}],
    "relative": {"mean": 0.8, "low": None, "high": None, "chance": None},
}
ROW = {
    "variant": "plain",
    "view": "",
    "seeds": [0, 1],
    "runs": ["trials/a/run", "trials/b/run"],
    "figures": {
        "coarse/mrr": {
            "values": {"0": 0.5, "1": 0.7},
            "mean": 0.6,
            "low": 0.4,
            "high": 0.8,
            "chance": 0.1,
            "difference": DIFFERENCE,
            "counts": {"0": 12, "1": 12},
        }
    },
    "cost": {"seconds": {"mean": 9.0, "low": 8.0, "high": 10.0}, "memory": 100, "parameters": 7},
    "damaged": [CURVE],
    "origins": [{"data": "shop", "steps": "400", "versions": {"torch": "2.14.1"}}],
}
FILE = {
    "title": "fusion",
    "about": "",
    "figures": ["coarse/mrr"],
    "reference": "plain",
    "confidence": 0.95,
    "interval": "student",
    "test": "permutation",
    "views_compared": True,
    "rows": [ROW],
    "failed": [{"variant": "worse", "seed": 1, "reason": "why", "log": "trials/c/log.txt"}],
    "progress": {"done": 2, "failed": 1, "left": 0},
    "notes": ["a note"],
}
STUDY = Study(
    title="fusion",
    metrics=("coarse/mrr",),
    reference="plain",
    rows=(
        StudyRow(
            variant="plain",
            seeds=(0, 1),
            runs=("trials/a/run", "trials/b/run"),
            metrics={
                "coarse/mrr": SeedValues(
                    values={0: 0.5, 1: 0.7},
                    mean=0.6,
                    low=0.4,
                    high=0.8,
                    chance=0.1,
                    difference=Difference(pairs=2, mean=0.2, low=0.1, high=0.3, p=0.5),
                    counts={0: 12, 1: 12},
                )
            },
            cost=Cost(seconds=Interval(mean=9.0, low=8.0, high=10.0), memory=100, parameters=7),
            corrupted=(
                CorruptionCurve(
                    task="dark",
                    metric="mrr@10",
                    kind="noise",
                    curve=(CorruptionPoint(strength=0.5, mean=0.4, chance=0.1),),
                    relative=Estimate(mean=0.8),
                ),
            ),
            origins=(RunOrigin(data="shop", steps="400", versions={"torch": "2.14.1"}),),
        ),
    ),
    failed=(FailedRun(variant="worse", seed=1, reason="why", log="trials/c/log.txt"),),
    progress=StudyProgress(done=2, failed=1),
    notes=("a note",),
)


def test_the_keys_of_the_file_are_those_of_its_first_version(tmp_path):
    STUDY.write(tmp_path / "study.json")
    # what came later is beside them
    assert json.loads((tmp_path / "study.json").read_text()) == {**FILE, "factors": None}


def test_what_was_written_is_read_back(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps(FILE))
    read = Study.read(tmp_path / "study.json")
    assert read.as_json() == STUDY.as_json()
    assert read.rows[0].metrics["coarse/mrr"].values == {0: 0.5, 1: 0.7}


def test_a_file_that_holds_no_study_is_named(tmp_path):
    (tmp_path / "study.json").write_text(json.dumps({**FILE, "rows": [{}]}))
    with pytest.raises(CheckpointError, match=r"study\.json holds no study: rows\.0\.variant: Field required"):
        Study.read(tmp_path / "study.json")


def test_whole_rows_are_those_in_which_nothing_is_hidden():
    rows = [StudyRow(variant="a", metrics={}), StudyRow(variant="a", subset="x", metrics={})]
    assert Study(title="", metrics=(), rows=rows).whole_rows == rows[:1]


def test_a_study_of_the_first_version_is_read(tmp_path):
    row = {key: value for key, value in ROW.items() if key != "origins"}
    metrics = {name: {k: v for k, v in found.items() if k != "counts"} for name, found in row["figures"].items()}
    (tmp_path / "study.json").write_text(json.dumps({**FILE, "rows": [{**row, "figures": metrics}]}))
    (read,) = Study.read(tmp_path / "study.json").rows
    assert (read.origins, read.metrics["coarse/mrr"].counts) == ((), {})
