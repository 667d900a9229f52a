"""One writer at a time: a lock on a file that ends with the process that holds it, however that process ends."""

import fcntl
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from m5kit.data.files import open_own
from m5kit.errors import CheckpointError

_held: set[Path] = set()
_guard = threading.Condition()


@contextmanager
def single_writer(path: Path, what: str, wait: bool = False) -> Iterator[None]:
    """Hold the lock for the length of a ``with`` block.

    Args:
        path: of the lock's file, which stays; its folder is made if there is none.
        what: is written, for the message.
        wait: for another process or thread that holds the lock, instead of an error.

    Raises:
        CheckpointError: another process holds it, or another thread of this one, or there can be no such folder.
    """
    path = path.parent.resolve() / path.name  # not what a link in its place leads to
    _reserve(path, what, wait)
    try:
        _make(path.parent)
        with open_own(path, "a+") as file:
            # a record lock, not flock: data workers, which are forks, must not keep it after a crash of their parent
            try:
                fcntl.lockf(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                raise _taken(what, file.read().strip()) from error
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}")
            file.flush()
            yield
    finally:
        with _guard:
            _held.discard(path)
            _guard.notify_all()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, FileNotFoundError) as error:  # as in /proc, or below a file
        raise CheckpointError(
            f"{folder} can be no folder: {(error.strerror or str(error)).lower()}; name another place"
        ) from error


def _reserve(path: Path, what: str, wait: bool) -> None:
    """Keep the other threads of this process away from the lock."""
    # A record lock belongs to the process: all threads would get it, and the first one to end would release it.
    with _guard:
        if wait:
            _guard.wait_for(lambda: path not in _held)
        elif path in _held:
            raise _taken(what, "this process")
        _held.add(path)


def _taken(what: str, by: str) -> CheckpointError:
    by = by or "another process"
    return CheckpointError(f"{what} is being written by {by}; wait until it ends, or choose another folder")
