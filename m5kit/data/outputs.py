"""Where a file of a user's choice may be written."""

from pathlib import Path

from m5kit.data.manifest_rows import NAMES
from m5kit.data.remote.place import Place
from m5kit.errors import DataError


def require_own_file(path: Path, items: Place | None = None) -> None:
    """Check that a file may be written or replaced, before hours of work.

    Args:
        path: of the file.
        items: what the file is made from: a manifest, its folder, or a URL.

    Raises:
        DataError: something stands there that is no file, or it is the manifest itself.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder; name a file")
    if not path.exists():
        return
    if not path.is_file():
        raise DataError(f"{path} is a pipe or a device; name a file")
    if isinstance(items, Path):
        manifests = [items] if items.is_file() else [items / name for name in NAMES]
        if any(manifest.exists() and manifest.samefile(path) for manifest in manifests):
            raise DataError(f"{path} is the manifest of the items and would be lost; name another file")
