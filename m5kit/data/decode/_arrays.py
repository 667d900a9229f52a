"""Opens the containers that arrays come in, and takes one item out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from m5kit.data.files import UNBOUNDED, UnusableFileError, reading, unreadable
from m5kit.nn.pretrained.library import import_library

Arrays = Mapping[str, NDArray[Any]]
Find = Callable[[Any, int], Path]
"""The decoder's way to a file: what the manifest names, and the most bytes it may have."""

SIDE = ("boxes", "size")
"""Arrays that may stand beside the features."""

UNPACKED = 8
"""How many times ``max_bytes`` the arrays of an item may have once they are unpacked."""


def read_arrays(source: Any, find: Find, array: str, max_bytes: int) -> Arrays:
    """The arrays ``features`` and, if they are there, ``boxes`` and ``size`` of the item that ``source`` names.

    Args:
        source: ``path`` or ``path#ID``, relative to the data's root.
        find: the path of a file that may be read.
        array: name of the features in a file of one item.
        max_bytes: cap for files of one item; unpacked, an item may have eight times as many.

    Raises:
        DecodeError: nothing usable is there.
    """
    if not isinstance(source, str) or not source:
        raise unreadable(source, f"expected path or path#ID, got {type(source).__name__}")
    place, _, item = source.partition("#")
    if item and not Path(place).suffix:
        with reading(source):
            return _pack(place, item, find, UNPACKED * max_bytes)
    path = find(place, UNBOUNDED if item else max_bytes)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise unreadable(source, f"expected one of {', '.join(READERS)} or a pack (folder#ID), got {path.suffix!r}")
    with reading(source):
        arrays = reader(path, item, array, UNPACKED * max_bytes)
    if "features" not in arrays:
        raise unreadable(source, f"it holds no array {item or array!r}")
    return arrays


def _npy(path: Path, item: str, array: str, limit: int) -> Arrays:
    if item:
        raise UnusableFileError(".npy holds one item; leave out the # and what follows")
    # A memory map fails where the file is shorter than its header says; np.load would ask for all the memory first.
    return {"features": np.array(np.load(path, mmap_mode="r", allow_pickle=False))}


def _npz(path: Path, item: str, array: str, limit: int) -> Arrays:
    with ZipFile(path) as archive:
        sizes = {member.filename.removesuffix(".npy"): member.file_size for member in archive.infolist()}
    found = {}
    with np.load(path, allow_pickle=False) as stored:
        for name, key in _keys(item, array).items():
            if key in sizes:
                _check_size(sizes[key], limit)
                found[name] = stored[key]
    return found


def _safetensors(path: Path, item: str, array: str, limit: int) -> Arrays:
    from safetensors import safe_open

    found = {}
    with safe_open(path, framework="pt") as stored:
        there = set(stored.keys())
        for name, key in _keys(item, array).items():
            if key in there:
                _check_size(4 * int(np.prod(stored.get_slice(key).get_shape())), limit)
                found[name] = stored.get_tensor(key).float().numpy()
    return found


def _hdf5(path: Path, item: str, array: str, limit: int) -> Arrays:
    h5py = import_library("h5py", "reading HDF5")
    with h5py.File(path, "r") as stored:
        keys = _keys(item, array)
        if item and isinstance(_inside(h5py, stored, item), h5py.Group):
            keys["features"] = f"{item}/{array}"  # a group of arrays for each item
        found = {}
        for name, key in keys.items():
            dataset = _inside(h5py, stored, key)
            if isinstance(dataset, h5py.Dataset):
                _check_size(dataset.nbytes, limit)
                found[name] = dataset[()]
    return found


def _inside(h5py: Any, stored: Any, key: str) -> Any | None:
    """The group or array ``key``, or None if there is none.

    HDF5 follows references to other files by itself: a file could show any other that this user can read.

    Raises:
        UnusableFileError: it is, or lies behind, something that is stored in another file.
    """
    place = stored
    for part in key.strip("/").split("/"):
        if not isinstance(place, h5py.Group) or part not in place:
            return None
        if isinstance(place.get(part, getlink=True), h5py.ExternalLink):
            raise UnusableFileError(f"{part!r} is a link to another file; only what the file itself holds is read")
        place = place[part]
    if isinstance(place, h5py.Dataset) and (place.external or place.is_virtual):
        raise UnusableFileError(f"{key!r} is stored in another file; only what the file itself holds is read")
    return place


def _pack(place: str, item: str, find: Find, limit: int) -> Arrays:
    stored = {}
    for name in ("ids", "offsets", "features"):
        stored[name] = np.load(find(f"{place}/{name}.npy", UNBOUNDED), mmap_mode="r", allow_pickle=False)
    ids, offsets, features = stored["ids"], stored["offsets"], stored["features"]
    if len(offsets) != len(ids) + 1:
        raise UnusableFileError(f"the pack has {len(ids)} ids and {len(offsets)} offsets; expected one more than ids")
    found = int(np.searchsorted(ids, item))
    if found == len(ids) or ids[found] != item:
        raise UnusableFileError(f"the pack has no item {item!r}")
    first, last = int(offsets[found]), int(offsets[found + 1])
    if not 0 <= first <= last <= len(features):
        raise UnusableFileError(f"the pack puts it at {first} to {last} of {len(features)} tokens")
    _check_size(features[first:last].nbytes, limit)
    arrays = {"features": np.array(features[first:last])}
    if find(f"{place}/ids.npy", UNBOUNDED).with_name("boxes.npy").is_file():
        boxes = np.load(find(f"{place}/boxes.npy", UNBOUNDED), mmap_mode="r", allow_pickle=False)
        arrays["boxes"] = np.array(boxes[first:last])
    return arrays


def _check_size(size: int, limit: int) -> None:
    """Refuse what would be too large once it is unpacked: a few kilobytes can declare terabytes."""
    if size > limit:
        raise UnusableFileError(f"unpacked, it has {size:,} bytes, over {UNPACKED} times max_bytes = {limit:,}")


def _keys(item: str, array: str) -> dict[str, str]:
    """What the arrays of an item are called in its file."""
    if not item:
        return {"features": array, **{name: name for name in SIDE}}
    return {"features": item, **{name: f"{item}/{name}" for name in SIDE}}


READERS: Mapping[str, Callable[[Path, str, str, int], Arrays]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
}
