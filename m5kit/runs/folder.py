"""Where a run keeps its files."""

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from m5kit.errors import CheckpointError
from m5kit.runs.json import read_json
from m5kit.runs.lock import single_writer

RUNS = Path("runs")
"""Where runs go that nobody gave a folder."""
REMEDY = "bring it back from a copy of the run, or train again in another --run-dir"
"""What a user can do about a damaged file that a run cannot be used without."""
NOTE = "note"
"""Key of ``results.json``: a sentence that a reader of its values must know; only where there is one."""


def new_path(name: str) -> Path:
    """Where a run of the config ``name`` that begins now would go; nothing is made."""
    return RUNS / f"{name.replace('/', '-')}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def newest_path(name: str) -> Path | None:
    """The newest run of the config ``name``, of those that nobody gave a folder."""
    # digits and nothing else: demo-scale-noise-... is of another config than demo-scale-...
    named = re.compile(re.escape(name.replace("/", "-")) + r"-(\d{8}-\d{6})(?:-(\d+))?")
    found = []
    for path in RUNS.glob("*"):
        match = named.fullmatch(path.name)
        if match is not None and (path / "config.yaml").exists():
            found.append((match[1], int(match[2] or 1), path))
    return max(found)[-1] if found else None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run; every other module asks here for a path.

    Args:
        path: the folder; made by :meth:`create`.
    """

    path: Path

    @classmethod
    def create(cls, path: Path) -> "RunFolder":
        """Make a folder for a new run.

        Raises:
            CheckpointError: it already holds a run.
        """
        folder = cls(path)
        folder.require_free()
        folder.checkpoints.mkdir(parents=True, exist_ok=True)
        return folder

    def require_free(self) -> None:
        """See that a new run may be made here.

        Raises:
            CheckpointError: there is one already.
        """
        if self.config.exists():
            raise CheckpointError(f"{self.path} already holds a run; {self.next_step}, or choose another --run-dir")

    @classmethod
    def new(cls, name: str) -> "RunFolder":
        """Make an empty folder below ``runs/`` for a run of the config ``name``, named by it and by the time.

        A number follows the name where another run has begun in the same second.
        """
        path = new_path(name)
        for number in itertools.count(1):
            folder = path if number == 1 else path.with_name(f"{path.name}-{number}")
            try:
                folder.mkdir(parents=True)  # one step for the file system: of two processes only one succeeds
            except FileExistsError:
                continue
            return cls(folder)
        raise AssertionError("there is always a next number")

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open the folder of an existing run.

        Raises:
            CheckpointError: there is no run in it.
        """
        folder = cls(path)
        if not folder.config.is_file():
            raise no_run(path, "it has no config.yaml")
        return folder

    def read(self, file: Path) -> dict[str, Any]:
        """Read one of the JSON files that a run cannot be used without.

        Raises:
            CheckpointError: it is missing or damaged.
        """
        return read_json(file, REMEDY)

    @property
    def next_step(self) -> str:
        """What a user can do with a run that ended early."""
        if any(self.checkpoints.glob("step_*")):
            return "add --resume to continue it"
        return f"it has no checkpoint yet: add --resume to begin it again, or remove {self.path} to train anything else"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one process that trains the run.

        Raises:
            CheckpointError: another process trains it now, or its name is no text.
        """
        if os.fsencode(self.path).decode("utf-8", "replace") != str(self.path):
            raise CheckpointError(f"the name of the run folder {str(self.path)!r} is not UTF-8; give it another one")
        with single_writer(self.path / ".lock", f"the run in {self.path}"):
            _remove_halves(self.config, self.provenance, self.metrics, self.curves)  # only trainings write these
            yield

    @contextmanager
    def left_if_refused(self, new: bool) -> Iterator[None]:
        """Be no run after all where a ``new`` one is refused before its first step; the next may take the folder.

        Some mistakes show only when the items and the model are there, such as a batch that no item fits into, or a
        part of a plugin that raises whatever it likes.
        """
        try:
            yield
        except BaseException:  # Ctrl-C as well
            if new:  # with its config a folder is a run; sizes are those of this config's inputs
                self.config.unlink(missing_ok=True)
                self.item_sizes.unlink(missing_ok=True)
            raise

    @contextmanager
    def updating(self, file: Path) -> Iterator[None]:
        """Read, change and write one of the files, one process after another."""
        with single_writer(self.path / f".{file.name}.lock", str(file), wait=True):
            _remove_halves(file)
            yield

    @property
    def config(self) -> Path:
        """The resolved config, complete in itself."""
        return self.path / "config.yaml"

    @property
    def provenance(self) -> Path:
        """Versions, plugins, commit, seed and data fingerprint."""
        return self.path / "provenance.json"

    @property
    def transforms(self) -> Path:
        """What the transforms learned from the corpus, by modality."""
        return self.path / "transforms.json"

    @property
    def classes(self) -> Path:
        """Class names by label, in the order of their numbers."""
        return self.path / "classes.json"

    @property
    def item_sizes(self) -> Path:
        """Tokens of each training item, where batches hold so many tokens."""
        return self.path / "item_sizes.npy"

    @property
    def pretrained(self) -> Path:
        """What a run needs to build its pretrained networks again, without their weights; a folder a checkpoint."""
        return self.path / "pretrained"

    @property
    def checkpoints(self) -> Path:
        """One folder a checkpoint."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """One JSON line a logging step."""
        return self.path / "metrics.jsonl"

    @property
    def events(self) -> Path:
        """TensorBoard events."""
        return self.path / "tensorboard"

    @property
    def failures(self) -> Path:
        """One JSON line a file that could not be decoded."""
        return self.path / "failures.jsonl"

    @property
    def results(self) -> Path:
        """The metric values."""
        return self.path / "results.json"

    @property
    def views(self) -> Path:
        """The metric values by modality subset, when the model sees only some modalities."""
        return self.path / "views.json"

    @property
    def gallery(self) -> Path:
        """Queries of the retrieval metrics with their hits."""
        return self.path / "gallery.json"

    @property
    def previews(self) -> Path:
        """What the items of the gallery look like, by id."""
        return self.path / "previews.json"

    @property
    def log(self) -> Path:
        """The log of the run."""
        return self.path / "log.txt"

    @property
    def curves(self) -> Path:
        """A picture of the losses and of the modality weights."""
        return self.path / "curves.png"


def _remove_halves(*files: Path) -> None:
    """Remove what a process that was killed had written of these files; see ``write_whole``."""
    for file in files:
        for half in file.parent.glob(f".{file.name}.*.partial"):
            half.unlink(missing_ok=True)


def no_run(path: Path, why: str) -> CheckpointError:
    """The error for a folder that is no run; where it holds runs, as ``runs/`` does, one of them is named."""
    inside = sorted(config.parent for config in path.glob("*/config.yaml"))
    remedy = f"give a run in it, such as {inside[-1]}" if inside else "name a folder that a training wrote"
    if not path.exists():
        why = "there is no such folder"
    return CheckpointError(f"{path} holds no run ({why}); {remedy}")
