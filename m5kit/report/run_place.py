"""Finds the runs of a study, whose paths are relative to its folder."""

from pathlib import Path

from m5kit.config.reader import display
from m5kit.runs.folder import RunFolder


def run_at(folder: Path, path: str) -> RunFolder:
    """A run of a study, by a path without ``..``, as messages should name its files.

    Args:
        folder: of the study.
        path: of the run, relative to ``folder``.
    """
    return RunFolder(Path(display((folder / path).resolve())))
