"""Where a trial keeps its files, and how far it is."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from m5kit.errors import CheckpointError

State = Literal["queued", "running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a trial is.

    Attributes:
        state: ``running`` is also what a trial says that was killed and will be started again.
        reason: why it failed.
        seconds: of its training and first evaluation.
        memory: most bytes that one process of it held at once.
        parameters: numbers in its last checkpoint.
    """

    state: State
    reason: str | None = None
    seconds: float | None = None
    memory: int | None = None
    parameters: int | None = None


@dataclass(frozen=True, slots=True)
class TrialFolder:
    """The files of one trial; nothing else writes into it.

    Args:
        path: the folder.
    """

    path: Path

    @property
    def task(self) -> Path:
        """What to run: see worker.py."""
        return self.path / "trial.json"

    @property
    def run(self) -> Path:
        """The folder of the training run."""
        return self.path / "run"

    @property
    def log(self) -> Path:
        """What its processes said."""
        return self.path / "log.txt"

    @property
    def status(self) -> Status:
        """How far it is; ``queued`` before it started."""
        path = self.path / "status.json"
        return Status(**read(path)) if path.exists() else Status("queued")

    def set_status(self, status: Status) -> None:
        """Replace the status in one step."""
        write(self.path / "status.json", asdict(status))

    @contextmanager
    def locked(self) -> Iterator[IO[bytes]]:
        """Hold the trial: whoever comes second waits here, whichever sweep started it.

        The lock goes with the process that holds it, also when it is killed.
        """
        with (self.path / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def write(path: Path, value: Any) -> None:
    """Write JSON aside and rename it, so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def read(path: Path) -> Any:
    """Read JSON.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; remove its folder to run that trial again") from error
