"""Decodes frames of a clip with PyAV: the right ones also where frames are not evenly spaced in time."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._container import DamagedClipError, Deadline, best_stream, opened
from m5kit.data.decode._frames import ClipIndex, capped_index
from m5kit.data.decode._references import decoded
from m5kit.data.decode._upright import colours, display_matrix, turn_upright
from m5kit.data.decode._videos import VideoDecoder
from m5kit.registry import DECODERS


@DECODERS.register_module("pyav")
class PyAVDecoder(VideoDecoder):
    """The default for video: any container → ``t h w 3`` uint8, upright, evenly spaced in time.

    The packets are read once for the exact times and key frames; then only what the chosen frames need is decoded,
    seeking when a key frame lies between two of them, and passing over frames of H.264 that no other refers to. A clip
    with fewer frames than asked gives those it has.

    Args:
        frames: at most so many frames.
        fps: None spreads them over the whole clip; a number takes so many a second from the beginning.
        max_seconds: longer clips are refused.
        max_bytes: larger files are refused.
        max_pixels: clips with larger frames are refused.
        max_decode_seconds: a clip that takes longer to decode is refused: one key frame and large frames can cost
            hours within all other caps.
    """

    def read(self, path: Path, deadline: Deadline) -> NDArray[np.uint8]:
        """Choose by the packets' times, then decode."""
        index = capped_index(path, self.caps)
        found = _find(path, index, index.choose(self.frames, self.fps), deadline)
        if len({(frame.width, frame.height) for frame in found}) > 1:
            raise DamagedClipError("the size of its frames changes on the way")
        self.caps.check_size(found[0].width, found[0].height)
        pixels = np.stack(list(map(colours, found)))
        return turn_upright(pixels, self._matrix(path, index, found[0]))

    def _matrix(self, path: Path, index: ClipIndex, frame: Any) -> NDArray[np.int32] | None:
        """How a frame must be turned; the library that reads alpha beside the frames is not told by the file."""
        if not index.aside:
            return display_matrix(frame)
        with opened(path) as container:
            return display_matrix(next(container.decode(best_stream(container, "video"))))


def _find(path: Path, index: ClipIndex, chosen: NDArray[np.int64], deadline: Deadline) -> list[Any]:
    """The chosen frames, whole.

    Raises:
        DamagedClipError: one of them does not come out of the decoder, comes out damaged, or it takes too long.
    """
    if not index.timed:
        found = _by_number(path, chosen, deadline)
    else:
        # behind a seek the colours of a palette are gone, and every frame is black
        keys = index.keys[:1] if index.stream is not None and index.stream.palette else index.keys
        found = _by_time(path, index, chosen, keys, deadline)
        if len(found) < len(chosen):  # some containers land behind the key frame asked for: decode from the start
            found = _by_time(path, index, chosen, index.keys[:1], deadline)
    whole = [frame for frame in found if not frame.is_corrupt]
    if len(whole) < len(chosen):
        raise DamagedClipError(f"{len(chosen)} frames were wanted and {len(whole)} could be decoded whole")
    return whole


def _by_time(
    path: Path, index: ClipIndex, chosen: NDArray[np.int64], keys: NDArray[np.int64], deadline: Deadline
) -> list[Any]:
    """The frames shown at exactly the chosen ticks; fewer if one does not come out of the decoder."""
    found: list[Any] = []
    ticks = index.ticks[chosen]
    with opened(path) as container:
        stream = best_stream(container, "video")
        wanted = frozenset(ticks.tolist())
        frames, position = decoded(container, stream, wanted, index.aside), keys[0]
        for tick in ticks:
            key = keys[max(np.searchsorted(keys, tick, side="right") - 1, 0)]
            if key > position:  # seeking pays only past a later key frame
                container.seek(int(key), stream=stream, backward=True)
                frames = decoded(container, stream, wanted, index.aside)
            frame = _next_at(frames, tick, deadline)
            if frame is None or frame.pts != tick:
                break
            position = tick
            found.append(frame)
    return found


def _next_at(frames: Iterator[Any], tick: int, deadline: Deadline) -> Any | None:
    """The first frame at ``tick`` or later; None if the decoder gives no such frame."""
    for frame in frames:
        deadline.check()
        if frame.pts is not None and frame.pts >= tick:
            return frame
    return None


def _by_number(path: Path, numbers: NDArray[np.int64], deadline: Deadline) -> list[Any]:
    wanted, found = set(numbers.tolist()), []
    with opened(path) as container:
        decoded = container.decode(best_stream(container, "video"))
        for number, frame in enumerate(islice(decoded, int(numbers[-1]) + 1)):
            deadline.check()
            if number in wanted:
                found.append(frame)
    return found
