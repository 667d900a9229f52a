"""Opens the containers that arrays come in, and takes one item out."""

import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np

from m5kit.data.decode._packs import UNPACKED, Arrays, Find, check_size, read_pack
from m5kit.data.files import UNBOUNDED, UnusableFileError, reading, unreadable
from m5kit.nn.pretrained.library import import_library

SIDE = ("boxes", "size")
"""Arrays that may stand beside the features."""

LINKS = 16
"""Links inside of an HDF5 file that lead to an array; two may lead to each other."""

HEADERS: Mapping[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""By version of the format. The third is for arrays with named columns."""


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
            return read_pack(place, item, find, UNPACKED * max_bytes)
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
    with path.open("rb") as file:
        _require_whole_npy(file, path.stat().st_size)
    # mapped, so that no more is read than there is
    return {"features": np.array(np.load(path, mmap_mode="r", allow_pickle=False))}


def _npz(path: Path, item: str, array: str, limit: int) -> Arrays:
    found = {}
    with ZipFile(path) as archive:
        for name, key in _keys(item, array).items():
            there = [each for each in archive.infolist() if each.filename == f"{key}.npy"]
            if len(there) > 1:
                raise UnusableFileError(f"it holds the array {key!r} {len(there)} times")
            if there:
                check_size(there[0].file_size, limit)
                with archive.open(there[0]) as member:  # read() of the archive unpacks more than the file declares
                    content = io.BytesIO(member.read(there[0].file_size))
                _require_whole_npy(content, len(content.getvalue()))
                found[name] = np.lib.format.read_array(content, allow_pickle=False)
    return found


def _require_whole_npy(file: IO[bytes], size: int) -> None:
    """Refuse an array that is cut short, has something behind it, or holds no plain numbers; ``file`` is rewound.

    Numpy asks for all the memory that a header declares, and of two arrays in one file it reads the first.
    """
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise UnusableFileError(f"it has version {version[0]}.{version[1]} of the format, which holds no plain numbers")
    shape, _, kind = HEADERS[version](file)
    declared, there = kind.itemsize * math.prod(shape), size - file.tell()
    if kind.hasobject:
        raise UnusableFileError("it holds Python objects, which only a program could read; save numbers")
    if declared != there:
        raise UnusableFileError(f"its header declares {declared:,} bytes of numbers, and {there:,} follow it")
    file.seek(0)


def _safetensors(path: Path, item: str, array: str, limit: int) -> Arrays:
    from safetensors import safe_open

    found = {}
    with safe_open(path, framework="pt") as stored:
        there = set(stored.keys())
        for name, key in _keys(item, array).items():
            if key in there:
                check_size(4 * int(np.prod(stored.get_slice(key).get_shape())), limit)
                tensor = stored.get_tensor(key)
                # numpy has no bfloat16; what is no real number is left as it is, to be refused
                found[name] = tensor.numpy() if tensor.is_complex() else tensor.float().numpy()
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
                check_size(dataset.nbytes, limit)
                _require_written(dataset, key)
                found[name] = dataset[()]
    return found


def _require_written(dataset: Any, key: str) -> None:
    """Refuse an array with a place and no numbers, as a program leaves it that was stopped: HDF5 reads zeros there."""
    if not dataset.size:
        return
    there = wanted = 1
    if dataset.chunks is not None:
        there = dataset.id.get_num_chunks()
        wanted = math.prod(-(-side // part) for side, part in zip(dataset.shape, dataset.chunks, strict=True))
    if there < wanted or not dataset.id.get_storage_size():
        raise UnusableFileError(f"{key!r} was made and not written to its end; write it again")


def _inside(h5py: Any, stored: Any, key: str) -> Any | None:
    """The group or array ``key``, or None if there is none.

    HDF5 follows references to other files by itself: a file could show any other that this user can read.

    Raises:
        UnusableFileError: it is, or lies behind, something that is stored in another file.
    """
    place, left, links = stored, key.strip("/").split("/"), 0
    while left:
        part = left.pop(0)
        if not isinstance(place, h5py.Group) or part not in place:
            return None
        link = place.get(part, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise UnusableFileError(f"{part!r} is a link to another file; only what the file itself holds is read")
        if isinstance(link, h5py.SoftLink):  # followed part by part: HDF5 would follow one that leads to another file
            links += 1
            if links > LINKS:
                raise UnusableFileError(f"{key!r} leads through more than {LINKS} links")
            place = stored if link.path.startswith("/") else place
            left = [name for name in link.path.split("/") if name not in ("", ".")] + left
        else:
            place = place[part]
    if isinstance(place, h5py.Dataset) and (place.external or place.is_virtual):
        raise UnusableFileError(f"{key!r} is stored in another file; only what the file itself holds is read")
    return place


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
