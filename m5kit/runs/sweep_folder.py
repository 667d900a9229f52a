"""Where a sweep and its trials keep their files, and how far a trial is."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar, Literal

from pydantic import TypeAdapter, ValidationError

from m5kit.data.files import open_own
from m5kit.errors import CheckpointError
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, write_json
from m5kit.runs.lock import single_writer

State = Literal["queued", "running", "done", "failed"]

REMEDY = "remove its folder to run that trial again"
"""What to do about a damaged file of a trial."""


@dataclass(frozen=True, slots=True)
class ReportFolder:
    """The files of one report.

    Args:
        path: the folder.
    """

    path: Path

    PICTURES: ClassVar[str] = "pictures"
    """Subfolder of the pictures."""

    @property
    def page(self) -> Path:
        """The report for a browser, complete in itself."""
        return self.path / "report.html"

    @property
    def markdown(self) -> Path:
        """The report for a repository, with its pictures beside it."""
        return self.path / "report.md"

    @property
    def latex(self) -> Path:
        """The tables for a paper."""
        return self.path / "report.tex"

    @property
    def numbers(self) -> Path:
        """All estimates with all their digits."""
        return self.path / "report.csv"

    @property
    def runs(self) -> Path:
        """Every metric value of every run."""
        return self.path / "runs.csv"

    def picture(self, name: str) -> Path:
        """One picture of the report."""
        return self.path / self.PICTURES / f"{name}.png"


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """The files of one sweep, its report included.

    Args:
        path: the folder.
    """

    path: Path

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one process that runs the sweep; its trials have locks of their own.

        Raises:
            CheckpointError: another process runs it now.
        """
        with single_writer(self.path / ".lock", f"the sweep in {self.path}"):
            yield

    @property
    def sweep(self) -> Path:
        """The sweep file as it was read."""
        return self.path / "sweep.json"

    @property
    def study(self) -> Path:
        """What the trials found: see :class:`m5kit.runs.study.Study`."""
        return self.path / "study.json"

    @property
    def trials(self) -> Path:
        """One folder a trial, unless several sweeps share theirs elsewhere."""
        return self.path / "trials"

    @property
    def report(self) -> ReportFolder:
        """The report on the trials."""
        return ReportFolder(self.path)

    @property
    def cluster(self) -> Path:
        """Files of the cluster's own."""
        return self.path / "cluster"


@dataclass(frozen=True, slots=True)
class TrialStatus:
    """How far a trial is.

    Attributes:
        state: a trial that was killed stays ``running`` until it is started again.
        reason: why it failed.
        seconds: duration of its training and first evaluation.
        memory: the most bytes that one of its processes held at once.
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

    @classmethod
    def of_run(cls, run: Path) -> "TrialFolder | None":
        """The trial that a training run belongs to; None for a run that no sweep started."""
        folder = cls(run.parent)
        return folder if folder.run.path == run and folder.task.exists() else None

    @property
    def task(self) -> Path:
        """What to run: see worker.py."""
        return self.path / "trial.json"

    @property
    def run(self) -> RunFolder:
        """The training run."""
        return RunFolder(self.path / "run")

    @property
    def log(self) -> Path:
        """The output of its processes."""
        return self.path / "log.txt"

    @property
    def lock(self) -> Path:
        """Held by the process that runs the trial."""
        return self.path / "lock"

    @property
    def status(self) -> TrialStatus:
        """How far it is; ``queued`` before it starts."""
        path = self._status
        if not path.exists():
            return TrialStatus("queued")
        try:
            return _adapter().validate_python(read_json(path, REMEDY))
        except ValidationError as error:
            problem = error.errors()[0]
            place = ".".join(map(str, problem["loc"]))
            raise CheckpointError(f"{path} holds no status: {place}: {problem['msg']}; {REMEDY}") from error

    def set_status(self, status: TrialStatus) -> None:
        """Replace the status in one step."""
        write_json(self._status, asdict(status))

    def read(self, path: Path) -> Any:
        """Read one of the trial's JSON files.

        Raises:
            CheckpointError: it is missing or damaged.
        """
        return read_json(path, REMEDY)

    @contextmanager
    def locked(self) -> Iterator[IO[str]]:
        """Hold the trial: a second process waits here, whichever sweep started it.

        The lock ends with the process that holds it, even when that process is killed.
        """
        with open_own(self.lock, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    @property
    def _status(self) -> Path:
        return self.path / "status.json"


@cache
def _adapter() -> TypeAdapter[TrialStatus]:
    return TypeAdapter(TrialStatus)
