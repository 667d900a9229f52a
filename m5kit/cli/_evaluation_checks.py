"""What an evaluation needs, and what it must have given for its command to end well."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from m5kit.data.remote.place import is_remote
from m5kit.errors import ConfigError

if TYPE_CHECKING:
    from m5kit.inference.evaluation import Evaluation
    from m5kit.inference.trained_run import TrainedRun


def require_items(trained: "TrainedRun", options: argparse.Namespace) -> None:
    """See that the items of the run are where its config says, unless others are given.

    Raises:
        ConfigError: they are not.
    """
    root = trained.config.data.root
    if options.data is None and root and not is_remote(root) and not Path(root).expanduser().exists():
        raise ConfigError(
            [f"the items of the run in {options.run_folder} are no longer in {root}; name their folder with --data DIR"]
        )


def require_values(found: Mapping[str, "Evaluation"], wanted: Sequence[str] | None) -> None:
    """A metric that was asked for by its name must have been computed; of all metrics some may be skipped, not all.

    Raises:
        ConfigError: one was skipped, or all were.
    """
    skipped: dict[str, str] = {}
    for evaluation in found.values():
        skipped |= evaluation.skipped
    if wanted and skipped:
        raise ConfigError([f"evaluation.{name} cannot be computed: {reason}" for name, reason in skipped.items()])
    if skipped and not any(evaluation.results for evaluation in found.values()):
        raise ConfigError(
            [
                f"none of the metrics could be computed ({', '.join(skipped)}: {next(iter(skipped.values()))}); "
                "give items that have what they need, or other metrics with --set evaluation.NAME.type=..."
            ]
        )
