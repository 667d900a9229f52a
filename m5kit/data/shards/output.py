"""Where shards are written to: a folder of this machine, or one behind a URL."""

import fcntl
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from m5kit.data.remote.folder import RemoteFolder
from m5kit.data.remote.place import Place, check_url
from m5kit.data.remote.room import copies_folder
from m5kit.data.shard_set import write_whole
from m5kit.errors import DataError

PARTS = ".parts"
"""The folder, in that of the shards, of what is known about finished ones; it goes when all are finished."""


class Output(ABC):
    """A folder of shards. What is written into it is there as a whole or not at all."""

    @abstractmethod
    def __str__(self) -> str:
        """How messages name it."""

    @abstractmethod
    def names(self) -> set[str]:
        """Everything directly in the folder."""

    @abstractmethod
    def parts(self) -> set[str]:
        """The names of the files in :data:`PARTS`."""

    @abstractmethod
    def read(self, name: str) -> str | None:
        """A text file; None if there is none. Bytes that are no UTF-8 become U+FFFD."""

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Write a text file."""

    @abstractmethod
    def workplace(self) -> AbstractContextManager[Path]:
        """A folder of this machine in which files are finished before :meth:`take`."""

    @abstractmethod
    def take(self, name: str, workplace: Path) -> None:
        """Make a finished file of the workplace one of the folder."""

    @abstractmethod
    def remove_parts(self) -> None:
        """Remove :data:`PARTS`."""

    @abstractmethod
    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes of this machine from writing to the folder.

        Raises:
            DataError: one does.
        """


@dataclass(frozen=True, slots=True)
class LocalOutput(Output):
    """A folder of this machine.

    Attributes:
        folder: need not be there yet.
    """

    folder: Path

    def __str__(self) -> str:
        return str(self.folder)

    def names(self) -> set[str]:
        """Everything directly in the folder.

        Raises:
            DataError: it is a file.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise DataError(f"{self.folder} is a file; name a new folder")
        return {path.name for path in self.folder.iterdir()} if self.folder.exists() else set()

    def parts(self) -> set[str]:
        """The names of the files in :data:`PARTS`."""
        parts = self.folder / PARTS
        return {path.name for path in parts.iterdir()} if parts.is_dir() else set()

    def read(self, name: str) -> str | None:
        """A text file; None if there is none."""
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None

    def write(self, name: str, text: str) -> None:
        """Written aside and renamed."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)

    def workplace(self) -> AbstractContextManager[Path]:
        """The folder itself: a file that is finished there need not be copied."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return nullcontext(self.folder)

    def take(self, name: str, workplace: Path) -> None:
        """It is there already."""

    def remove_parts(self) -> None:
        """Remove :data:`PARTS`."""
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out, and remove what a killed one was writing."""
        parts = self.folder / PARTS
        with _locked(parts / "lock", self):
            for folder in (self.folder, parts):
                for left in folder.glob("*.part"):
                    left.unlink(missing_ok=True)
            yield


@dataclass(frozen=True, slots=True)
class RemoteOutput(Output):
    """A folder behind a URL; shards are made in a folder for temporary files and uploaded one by one.

    Attributes:
        remote: need not be there yet.
    """

    remote: RemoteFolder

    def __str__(self) -> str:
        return self.remote.url

    def names(self) -> set[str]:
        """Everything directly in the folder."""
        return {name.partition("/")[0] for name in self.remote.names("")}

    def parts(self) -> set[str]:
        """The names of the files in :data:`PARTS`."""
        return {name.removeprefix(f"{PARTS}/") for name in self.remote.names("") if name.startswith(f"{PARTS}/")}

    def read(self, name: str) -> str | None:
        """A text file; None if there is none."""
        content = self.remote.read(name)
        return None if content is None else content.decode(errors="replace")

    def write(self, name: str, text: str) -> None:
        """Uploaded, and renamed where uploads can be seen half."""
        with self.workplace() as folder:
            path = folder / "text"
            path.write_text(text, encoding="utf-8")
            self.remote.put(path, name)

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder for temporary files (``TMPDIR``), with room for a shard."""
        with TemporaryDirectory(prefix="m5kit-") as folder:
            yield Path(folder)

    def take(self, name: str, workplace: Path) -> None:
        """Upload a file."""
        self.remote.put(workplace / name, name)

    def remove_parts(self) -> None:
        """Remove :data:`PARTS`."""
        self.remote.remove([f"{PARTS}/{name}" for name in sorted(self.parts())])

    def alone(self) -> AbstractContextManager[None]:
        """Other machines are not kept out: they would write the same bytes."""
        digest = blake2b(self.remote.url.encode(), digest_size=8).hexdigest()
        return _locked(copies_folder() / f".{digest}.lock", self)


def open_output(place: Place) -> Output:
    """The folder of shards at a place.

    Raises:
        ConfigError: the URL cannot be one of a folder.
    """
    return LocalOutput(place) if isinstance(place, Path) else RemoteOutput(RemoteFolder(check_url(place)))


@contextmanager
def _locked(path: Path, output: Output) -> Iterator[None]:
    """Hold a lock, which goes with this process, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another process is writing shards to {output}; wait for it, or stop it") from None
        yield
