"""Files of runs and reports: each is written whole or not at all, and a damaged one is named."""

import json
import os
from pathlib import Path
from typing import Any

from m5kit.data.aside import naming
from m5kit.data.json_values import without_nan
from m5kit.errors import CheckpointError


def write_json(path: Path, value: Any, exact: bool = False) -> None:
    """Write JSON in one step; the folder is made if there is none.

    Args:
        path: the file.
        value: JSON data; NaN and infinite numbers, for which JSON has no form, become null.
        exact: keep them, in words that only Python reads: for states that m5kit alone takes back.
    """
    value = value if exact else without_nan(value)
    try:
        content = json.dumps(value, indent=2, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # half of a surrogate pair, as in some file names, has no UTF-8; written as an escape it is read back unchanged
        content = json.dumps(value, indent=2).encode()
    write_whole(path, content + b"\n")


def read_json(path: Path, remedy: str = "") -> dict[str, Any]:
    """Read a JSON object, which every file of runs and reports is.

    Args:
        path: the file.
        remedy: what the user can do about a damaged file, for the message.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
        raise CheckpointError(f"cannot read {path}: it is no regular file")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"expected a JSON object, found {type(found).__name__}")
    except PermissionError as error:  # nothing is damaged
        raise CheckpointError(f"cannot read {path}: permission denied; see who may read it") from error
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"cannot read {path}: {error}{remedy and f'; {remedy}'}") from error
    return found


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader, or a crash, finds the old content or the new one, never a part of it.

    Args:
        path: the file; its folder is made if there is none.
        content: all of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # two processes that write one file must not share the partial one
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)  # of a process that was killed, or a link that somebody put there
    try:
        with naming(path), partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # a user knows the file, and not the one aside
        raise
    finally:
        partial.unlink(missing_ok=True)  # left only where writing failed, as on a full disk
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; without this a power cut can undo a rename."""
    if os.name != "posix":
        return  # Windows cannot open a folder
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
