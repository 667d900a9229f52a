"""A trial runs the verbs that a user would type."""

import sys
from pathlib import Path

from m5kit.ablation.commands import subsets_command, trial_task
from m5kit.ablation.plan import Trial
from m5kit.ablation.sweep import ModalitySubset, Sweep


def test_a_trial_trains_then_evaluates_each_view():
    sweep = Sweep(
        base="demo/scale",
        vary={},
        metrics=("a/b",),
        evaluate=(ModalitySubset(modalities=("a", "b")), ModalitySubset(modalities=("c",))),
        budget={"seconds": 9.0, "threads": 3},
    )
    trial = Trial("id", "fusion=gated", 4, "demo/scale", ("fusion=gated", "seed=4"))
    assert trial_task(sweep, trial, Path("/run"), Path("/data")) == {
        "variant": "fusion=gated",
        "seed": 4,
        "train": [
            *(sys.executable, "-m", "m5kit", "train", "demo/scale", "--run-dir", "/run", "--data", "/data"),
            *("--set", "fusion=gated", "--set", "seed=4"),
        ],
        "evaluate": [sys.executable, "-m", "m5kit", "evaluate", "/run", "--modalities", "a,b", "--modalities", "c"],
        "seconds": 9.0,
        "environment": {"OMP_NUM_THREADS": "3"},
    }


def test_without_data_the_config_decides():
    sweep = Sweep(base="demo/scale", vary={}, metrics=("a/b",))
    assert "--data" not in trial_task(sweep, Trial("id", "base", 0, "demo/scale", ()), Path("/run"), None)["train"]


def test_all_views_are_asked_for_with_one_word_and_none_with_nothing():
    assert subsets_command("all_subsets", Path("/run"))[2:] == ["m5kit", "evaluate", "/run", "--all-subsets"]
    assert subsets_command((), Path("/run")) is None
