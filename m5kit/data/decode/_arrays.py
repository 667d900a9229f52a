"""Opens the containers that arrays come in, and takes one item out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from m5kit.data.decode._media import media_path, unreadable
from m5kit.nn.pretrained.library import import_library

Arrays = Mapping[str, NDArray[Any]]
SIDE = ("boxes", "size")
"""Arrays that may stand beside the features."""

UNBOUNDED = 2**62


def read_arrays(source: Any, root: Path, array: str, max_bytes: int) -> Arrays:
    """The arrays ``features`` and, if they are there, ``boxes`` and ``size`` of the item that ``source`` names.

    Args:
        source: ``path`` or ``path#ID``, relative to ``root``.
        root: the data's folder.
        array: name of the features in a file of one item.
        max_bytes: cap for files of one item.

    Raises:
        DecodeError: nothing usable is there.
    """
    if not isinstance(source, str) or not source:
        raise unreadable(source, f"expected path or path#ID, got {type(source).__name__}")
    place, _, item = source.partition("#")
    if item and not Path(place).suffix:
        return _pack(source, place, item, root)
    path = media_path(place, root, UNBOUNDED if item else max_bytes)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise unreadable(source, f"expected one of {', '.join(READERS)} or a pack (folder#ID), got {path.suffix!r}")
    try:
        arrays = reader(path, item, array)
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, BadZipFile, SafetensorError) as error:
        raise unreadable(source, error) from error
    if "features" not in arrays:
        raise unreadable(source, f"it holds no array {item or array!r}")
    return arrays


def _npy(path: Path, item: str, array: str) -> Arrays:
    if item:
        raise ValueError(".npy holds one item; leave out the # and what follows")
    return {"features": np.load(path, allow_pickle=False)}


def _npz(path: Path, item: str, array: str) -> Arrays:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[key] for name, key in _keys(item, array).items() if key in stored.files}


def _safetensors(path: Path, item: str, array: str) -> Arrays:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as stored:
        there = set(stored.keys())
        return {
            name: stored.get_tensor(key).float().numpy() for name, key in _keys(item, array).items() if key in there
        }


def _hdf5(path: Path, item: str, array: str) -> Arrays:
    h5py = import_library("h5py", "reading HDF5")
    with h5py.File(path, "r") as stored:
        if item and item in stored and isinstance(stored[item], h5py.Group):
            keys = {"features": f"{item}/{array}", **{name: f"{item}/{name}" for name in SIDE}}
        else:
            keys = _keys(item, array)
        return {name: stored[key][()] for name, key in keys.items() if key in stored}


def _pack(source: str, place: str, item: str, root: Path) -> Arrays:
    ids, offsets, features = (
        np.load(media_path(f"{place}/{name}.npy", root, UNBOUNDED), mmap_mode="r", allow_pickle=False)
        for name in ("ids", "offsets", "features")
    )
    found = int(np.searchsorted(ids, item))
    if found == len(ids) or ids[found] != item:
        raise unreadable(source, f"the pack has no item {item!r}")
    span = slice(int(offsets[found]), int(offsets[found + 1]))
    arrays = {"features": np.array(features[span])}
    if (Path(root) / place / "boxes.npy").is_file():
        boxes = np.load(media_path(f"{place}/boxes.npy", root, UNBOUNDED), mmap_mode="r", allow_pickle=False)
        arrays["boxes"] = np.array(boxes[span])
    return arrays


def _keys(item: str, array: str) -> dict[str, str]:
    """What the arrays of an item are called in its file."""
    if not item:
        return {"features": array, **{name: name for name in SIDE}}
    return {"features": item, **{name: f"{item}/{name}" for name in SIDE}}


READERS: Mapping[str, Callable[[Path, str, str], Arrays]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
}
