"""Reads a sweep and checks every variant of it, before the first one is trained."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m5kit.ablation.plan import Plan, Trial, make_plan
from m5kit.ablation.runner import ENDED, trial_folder
from m5kit.ablation.sweep import Sweep
from m5kit.ablation.sweep_file import read_sweep
from m5kit.assembly.contents import Contents, read_contents
from m5kit.assembly.sources import open_dataset
from m5kit.config import RunConfig, check_config, load_config
from m5kit.data.remote.place import Place, require_own_place
from m5kit.errors import ConfigError
from m5kit.evaluation.functional.averages import finite_mean
from m5kit.inference.evaluation_check import value_problems
from m5kit.inference.suited_config import suit_config
from m5kit.runs.software import software
from m5kit.runs.sweep_folder import SweepFolder, TrialStatus


@dataclass(frozen=True, slots=True)
class PreparedSweep:
    """A sweep whose every variant has been resolved and checked.

    Attributes:
        title: of the report.
        sweep: as the file says.
        plan: the trials.
        folder: of the sweep and its report.
        trials: folder of the trials; several sweeps may share one.
        data: folder of the manifest; None for the one that the configs name.
        software: versions of all that can change a result; a trial's id depends on them.
        follows_links: whether a config of the sweep allows links out of the data folder.
    """

    title: str
    sweep: Sweep
    plan: Plan
    folder: SweepFolder
    trials: Path
    data: Place | None
    software: Mapping[str, str]
    follows_links: bool = False

    def status(self, trial: Trial) -> TrialStatus:
        """How far a trial is."""
        return trial_folder(self.trials, trial).status

    @property
    def left(self) -> int:
        """How many trials have not ended."""
        return sum(self.status(trial).state not in ENDED for trial in self.plan.trials)


def prepare_sweep(file: Path, out: Path, data: Place | None = None, trials: Path | None = None) -> PreparedSweep:
    """Read a sweep file and check all that it asks for; nothing is written.

    Args:
        file: the sweep file.
        out: folder of the sweep and its report.
        data: folder of the manifest; None for the one that the configs name.
        trials: folder of the trials; None for that of the sweep's own.

    Raises:
        ConfigError: the file or some of the variants are wrong; all problems at once.
        DataError: there is no manifest, or it is wrong.
    """
    sweep = read_sweep(file)
    folder = SweepFolder(out.resolve())
    require_own_place(out, data, "sweep")
    resolver = _Resolver(data, sweep.metrics)
    plan = make_plan(sweep, resolver)
    if resolver.missing:
        raise ConfigError([f"{file}: {problem}" for problem in resolver.missing.values()])
    return PreparedSweep(
        title=file.stem,
        sweep=sweep,
        plan=plan,
        folder=folder,
        trials=(trials or folder.trials).resolve(),
        data=data.resolve() if isinstance(data, Path) else data,
        software=resolver.software,
        follows_links=resolver.follows_links,
    )


def estimate_duration(prepared: PreparedSweep, jobs: int) -> str:
    """How long the rest may take: from trials of this sweep that are done, else from the budget."""
    seconds = []
    for trial in prepared.plan.trials:
        spent = prepared.status(trial).seconds
        if spent is not None:  # None while a trial has not ended
            seconds.append(spent)
    mean = finite_mean(seconds)
    if mean is not None:
        minutes = prepared.left * mean / jobs / 60
        return f"about {minutes:.0f} min, at {mean:.0f} s a trial as in the {len(seconds)} done"
    limit = prepared.sweep.budget.seconds
    if limit is not None:
        return f"at most {prepared.left * limit / jobs / 60:.0f} min: the budget is {limit:g} s a trial"
    return "the duration is unknown: no trial is done and there is no budget.seconds"


class _Resolver:
    """Gives the whole checked config of a variant, with the fingerprint of its data and the versions of its software.

    Args:
        data: folder of the manifest; None for the one that the config names.
        metrics: that the sweep asks for.

    Attributes:
        software: versions, of all variants so far.
        follows_links: whether a variant so far follows links out of the data folder.
        missing: a problem for each of the metrics that no variant so far gives; None before the first.
    """

    def __init__(self, data: Place | None, metrics: Sequence[str]) -> None:
        self.data = data
        self.metrics = metrics
        self.missing: dict[str, str] | None = None
        self.software: dict[str, str] = {}
        self.follows_links = False
        self._digests: dict[str, str] = {}
        self._known: dict[str, Contents] = {}

    def __call__(self, base: str, overrides: Sequence[str]) -> Mapping[str, Any]:
        resolved = suit_config(lambda given: load_config(base, given, self.data), overrides, self._contents, True)
        config = check_config(resolved)
        self._look_for_values(config)
        versions = software(resolved)
        self.software |= versions
        self.follows_links |= config.data.follow_links
        place = repr((config.data.root, config.data.manifest, config.data.source))
        if place not in self._digests:  # reading a manifest takes seconds, and the variants share theirs
            found = open_dataset(config).fingerprint()
            self._digests[place] = str(found.get("sha256", json.dumps(found, sort_keys=True)))
        extra = {"manifest_sha256": self._digests[place], "software": versions}
        return {**resolved.values, **extra}

    def _contents(self, config: RunConfig) -> Contents:
        """What the items hold, looked up once for all variants that read the same of them."""
        reads = {m: (inputs.get("source"), inputs.get("join")) for m, inputs in config.inputs.items()}
        data = config.data
        place = repr((data.root, data.manifest, data.source, data.train, reads))
        if place not in self._known:
            self._known[place] = read_contents(config)
        return self._known[place]

    def _look_for_values(self, config: RunConfig) -> None:
        """One variant that gives a value is enough: others, as baselines, may have other tasks."""
        missing = value_problems(config, self.metrics)
        if self.missing is not None:
            missing = {value: problem for value, problem in self.missing.items() if value in missing}
        self.missing = missing
