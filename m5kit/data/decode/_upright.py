"""Turns decoded frames of a clip as it is shown: upright, on white where nothing of them is seen."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._container import DamagedClipError, best_stream, is_transparent, opened


def display_matrix(frame: Any) -> NDArray[np.int32] | None:
    """How a decoded frame must be turned to be shown: 9 numbers, rows first; None if the file does not say."""
    # A frame and its side data refer to each other, so they would stay in memory until Python looks for cycles. A tiny
    # copy has the same side data. One thread: starting a pool takes longer than all the rest of a small clip.
    matrix = frame.reformat(8, 8, "gray8", threads=1).side_data.get("DISPLAYMATRIX")
    return None if matrix is None else np.frombuffer(bytes(matrix), "<i4", count=9)


def colours(frame: Any) -> NDArray[np.uint8]:
    """A decoded frame as ``h w 3``, laid on white where it is transparent, as a picture is."""
    # one thread: the pool that more would use does not survive the fork into a loader's worker, and is slower
    if not is_transparent(frame.format):
        return np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8)
    pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgba", threads=1)
    seen = pixels[..., 3:].astype(np.uint16)
    return np.asarray((pixels[..., :3] * seen + 255 * (255 - seen) + 127) // 255, np.uint8)


def first_frame(path: Path) -> tuple[NDArray[np.uint8], bool]:
    """The first frame ``h w 3`` of the clip in ``path``, upright, and whether it had to be mirrored for that.

    Raises:
        DamagedClipError: no frame can be decoded.
    """
    with opened(path) as container:
        frame = next(container.decode(best_stream(container, "video")), None)
    if frame is None:
        raise DamagedClipError("no frame of it can be decoded")
    matrix = display_matrix(frame)
    a, b, _, c, d = (1, 0, 0, 0, 1) if matrix is None else np.sign(matrix[:5]).tolist()
    return turn_upright(colours(frame), matrix), bool(a * d < b * c)


def turn_upright(pixels: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """Apply the display matrix of a phone's clip to ``... h w 3``: quarter turns and mirrors."""
    if matrix is None:
        return pixels
    a, b, _, c, d = np.sign(matrix[:5]).tolist()
    if a == d == 0 and b and c:  # x' = c y, y' = b x
        pixels, a, d = pixels.swapaxes(-3, -2), c, b
    pixels = pixels[..., ::-1, :] if a < 0 else pixels
    pixels = pixels[..., ::-1, :, :] if d < 0 else pixels
    return np.ascontiguousarray(pixels)
