"""How large the file is that a value of a manifest names."""

import os
from pathlib import Path
from typing import Any

from m5kit.data.remote.copies import mirror_of
from m5kit.data.tars.index import TarError
from m5kit.data.tars.members import member_size, split_path


def file_bytes(value: Any, root: Path) -> int | None:
    """Bytes of a file or of a member of a tar file; None for a value that names none, such as a text.

    Args:
        value: of a manifest.
        root: folder that paths are relative to.
    """
    if not isinstance(value, str):
        return None
    try:
        path = os.path.abspath(root / value)
        inside, mirror = split_path(path), mirror_of(path)
        if inside is not None:
            return member_size(*inside)
        if mirror is not None:
            return mirror.size(path)
        return os.path.getsize(path) if os.path.isfile(path) else None
    except (OSError, ValueError, TarError):  # a text is no path: too long, or with characters that no path has
        return None
