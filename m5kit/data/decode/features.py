"""Reads features that were extracted before: regions of a picture, clips of a video, bands of a sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._arrays import read_arrays
from m5kit.data.decode.base import Decoder
from m5kit.data.files import UnusableFileError, reading, unreadable
from m5kit.data.held import as_array
from m5kit.ranges import Count
from m5kit.registry import DECODERS

CORNERS, BOX = 4, 5


@dataclass(frozen=True, slots=True)
class Features:
    """What somebody else's network made of an item.

    Attributes:
        values: ``l e`` float32.
        boxes: ``l 5`` float32, where each token stands in the picture: left, top, right, bottom and area as fractions.
    """

    values: NDArray[np.float32]
    boxes: NDArray[np.float32] | None = None


@DECODERS.register_module("features")
class FeaturesDecoder(Decoder):
    """``.npy``, ``.npz``, ``.safetensors``, HDF5 or a pack → ``l e``, with boxes if there are any.

    A reference is a path, for a file of one item, or ``path#ID`` for a file of many. A file of one item holds an array
    ``features`` and may hold ``boxes``; a file of many holds ``ID`` and ``ID/boxes``, or a group ``ID`` of such arrays.
    A pack is a folder that m5kit reads by memory map (see ``m5kit.data.decode.features.write_pack``).

    Args:
        array: name of the array in a file of one item.
        boxes: how boxes are written: ``fraction`` of the sides, or ``pixel``, which needs an array ``size`` (width,
            height) beside them.
        transpose: the arrays are ``e l``.
        max_bytes: larger files of one item are refused.
    """

    def __init__(
        self,
        *,
        array: str = "features",
        boxes: Literal["fraction", "pixel"] = "fraction",
        transpose: bool = False,
        max_bytes: Count = 64 * 2**20,
    ) -> None:
        self.array, self.boxes, self.transpose, self.max_bytes = array, boxes, transpose, max_bytes

    def __call__(self, source: Any, root: Path) -> Features:
        """Read one item's features.

        Raises:
            DecodeError: missing, damaged, of an unknown format, no ``l e`` numbers in it, or boxes that do not fit.
        """
        arrays = read_arrays(source, lambda name, cap: self.find(name, root, cap), self.array, self.max_bytes)
        with reading(source):
            return self._features(source, arrays)

    def accept(self, value: Any) -> Features:
        """An array as a file would hold it, or a mapping of arrays ``features``, ``boxes`` and ``size``.

        Raises:
            DecodeError: neither of them, or not ``l e`` finite numbers.
        """
        given = value if isinstance(value, Mapping) else {"features": value}
        with reading(type(value).__name__):
            arrays = {}
            for name, each in given.items():
                array = as_array(each)
                if array is None:
                    raise UnusableFileError(f"expected a path, or arrays by name; {name} is {type(each).__name__}")
                arrays[name] = array
            if "features" not in arrays:
                raise UnusableFileError(f"expected an array 'features', got {', '.join(map(str, arrays))}")
            return self._features(type(value).__name__, arrays)

    def _features(self, source: Any, arrays: Mapping[str, NDArray[Any]]) -> Features:
        # numpy would keep half of a complex number, and read texts and columns with names as numbers
        if (kind := np.asarray(arrays["features"]).dtype).kind not in "biuf":
            raise unreadable(source, f"expected numbers, got {kind}")
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
            values = np.asarray(arrays["features"], dtype=np.float32)
        if values.ndim != 2 or 0 in values.shape:
            raise unreadable(source, f"expected features of shape (tokens, width), got {values.shape}")
        values = values.T if self.transpose else values
        if not np.isfinite(values).all():
            raise unreadable(source, "some of its numbers are NaN or infinite")
        # a transposed array is a view in the old order, and all that follows reads token by token
        return Features(np.ascontiguousarray(values), self._boxes(source, arrays, len(values)))

    def _boxes(self, source: Any, arrays: Mapping[str, NDArray[Any]], count: int) -> NDArray[np.float32] | None:
        if "boxes" not in arrays:
            return None
        boxes = np.asarray(arrays["boxes"], dtype=np.float32)
        if boxes.ndim != 2 or boxes.shape[0] != count or boxes.shape[1] not in (CORNERS, BOX):
            raise unreadable(source, f"expected {count} boxes of 4 or 5 numbers, got {boxes.shape}")
        corners = boxes[:, :CORNERS]
        if self.boxes == "pixel":
            if "size" not in arrays:
                raise unreadable(source, "its boxes are in pixels, but no array size (width, height) is beside them")
            size = np.asarray(arrays["size"], dtype=np.float32).ravel()[:2]
            corners = np.asarray(corners / np.tile(size, 2), dtype=np.float32)
        # a hundredth of slack: detectors round boxes at the border to a pixel outside
        if not (np.isfinite(corners).all() and corners.min() > -0.01 and corners.max() < 1.01):
            raise unreadable(source, "its boxes are no fractions of the sides; set decoder.boxes: pixel")
        if (corners[:, 2:] < corners[:, :2]).any():
            raise unreadable(
                source, "the right or lower side of a box lies before the other; write corners, not widths"
            )
        area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
        return np.concatenate([corners, area[:, None]], axis=1)

    @classmethod
    def example(cls, folder: Path) -> tuple["FeaturesDecoder", str]:
        """A file of four tokens, and its name."""
        np.save(folder / "item.npy", np.arange(12, dtype=np.float32).reshape(4, 3))
        return cls(), "item.npy"


def write_pack(folder: Path, items: Mapping[str, Features]) -> None:
    """Write many items as one pack: ``ids.npy`` (sorted), ``offsets.npy``, ``features.npy`` and, if all have, boxes.

    Args:
        folder: made if need be.
        items: by id, all of one width.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # sorted, so that a reader finds an id by bisection in the mapped file
    ids = np.array(sorted(items))
    lengths, values, boxes = [0], [], []
    for name in ids.tolist():
        item = items[name]
        lengths.append(len(item.values))
        values.append(item.values)
        if item.boxes is not None:
            boxes.append(item.boxes)
    np.save(folder / "ids.npy", ids)
    np.save(folder / "offsets.npy", np.cumsum(lengths))
    np.save(folder / "features.npy", np.concatenate(values))
    # rows of boxes belong to rows of features by their number, so it is all of them or none
    if len(boxes) == len(values):
        np.save(folder / "boxes.npy", np.concatenate(boxes))
