"""What a trial runs: m5kit's own verbs, as a user would type them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from m5kit.ablation.plan import Trial
from m5kit.ablation.sweep import ModalitySubset, Sweep
from m5kit.data.remote.place import Place

M5KIT = (sys.executable, "-m", "m5kit")


def trial_task(sweep: Sweep, trial: Trial, run: Path, data: Place | None) -> dict[str, Any]:
    """The content of a trial's ``trial.json``.

    Args:
        sweep: to which it belongs.
        trial: to run.
        run: folder of its training run.
        data: folder of the manifest; None for the one that the config names.
    """
    return {
        "variant": trial.variant,
        "seed": trial.seed,
        "train": train_command(trial.base, trial.overrides, run, data),
        "evaluate": subsets_command(sweep.evaluate, run),
        "seconds": sweep.budget.seconds,
        "environment": {"OMP_NUM_THREADS": str(sweep.budget.threads)},
    }


def train_command(base: str, overrides: Sequence[str], run: Path, data: Place | None) -> list[str]:
    """The command that trains and evaluates one trial."""
    command = [*M5KIT, "train", base, "--run-dir", str(run)]
    if data is not None:
        command += ["--data", str(data)]
    for override in overrides:
        command += ["--set", override]
    return command


def subsets_command(subsets: Sequence[ModalitySubset] | str, run: Path) -> list[str] | None:
    """The command that evaluates a trained run with some of its modalities at a time; None without subsets."""
    if not subsets:
        return None
    asked = ["--all-subsets"]
    if not isinstance(subsets, str):
        asked = []
        for subset in subsets:
            asked += ["--modalities", ",".join(subset.modalities)]
    return [*M5KIT, "evaluate", str(run), *asked]
