"""Decodes frames of a clip with decord; the same frames as PyAV."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._container import DamagedClipError, Deadline
from m5kit.data.decode._frames import capped_index
from m5kit.data.decode._other_libraries import check_frame, check_video
from m5kit.data.decode._upright import first_frame
from m5kit.data.decode._videos import VideoDecoder
from m5kit.errors import MissingDependencyError
from m5kit.registry import DECODERS

ALIKE = 2.5
"""Levels of brightness of 255, in the mean, by which libraries may differ: they round and blend colours differently."""

BRIGHTNESS = np.array([0.299, 0.587, 0.114])
"""How much red, green and blue count in it."""


@DECODERS.register_module("decord")
class DecordDecoder(VideoDecoder):
    """For those who have decord in their pipelines: takes and returns what ``pyav`` does.

    Decord has had no release since 2021, and its known hazards are kept out. Times come from the packets (its own are
    wrong for some containers). Frames are read in order: after a seek it is silently off where pictures refer across
    a key frame (open GOP, as in HEVC and MPEG-1). A clip whose frames it counts differently is refused (it then
    returns wrong frames or waits for ever), and so are a mirrored one, which it turns instead, one of several videos,
    one whose colours are a palette, and one of whose first frame it gives other pixels. Its reader lives within one
    call (one from before a fork returns wrong frames). It reads no AV1 and is slower than ``pyav``.

    Args:
        frames: at most so many frames.
        fps: None spreads them over the whole clip; a number takes so many a second from the beginning.
        max_seconds: longer clips are refused.
        max_bytes: larger files are refused.
        max_pixels: clips with larger frames are refused.
        max_decode_seconds: a clip that takes longer to decode is refused.

    Raises:
        MissingDependencyError: decord is not installed (it has no wheels for ARM).
    """

    def require_library(self) -> None:
        _decord()

    def read(self, path: Path, deadline: Deadline) -> NDArray[np.uint8]:
        """In order up to the last one that is wanted."""
        decord = _decord()
        # PyAV first: it opens known formats only, and decord's own FFmpeg would open a playlist.
        index = capped_index(path, self.caps)
        try:
            reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
            check_video("decord", index, len(reader))
            if index.stream is not None and index.stream.videos > 1:
                raise DamagedClipError("decord may read another of its videos than 'pyav'; use the decoder 'pyav'")
            first, mirrored = first_frame(path)
            if mirrored:
                raise DamagedClipError("decord turns a mirrored clip the wrong way; use the decoder 'pyav'")
            begin = reader.next().asnumpy()
            check_frame("decord", index, begin)
            # it does not turn Matroska, whose quarter turns have another shape
            if begin.shape != first.shape or np.abs((begin.astype(np.int16) - first) @ BRIGHTNESS).mean() > ALIKE:
                raise DamagedClipError("decord gives other pixels than 'pyav'; use that")
            return np.stack(list(_in_order(reader, begin, index.choose(self.frames, self.fps), deadline)))
        except decord.DECORDError as error:
            raise DamagedClipError(f"decord says: {_message(error, path)}") from error


def _in_order(
    reader: Any, begin: NDArray[np.uint8], chosen: NDArray[np.int64], deadline: Deadline
) -> Iterator[NDArray[np.uint8]]:
    """The chosen frames; ``begin`` is the first one of the clip, which the reader has handed out."""
    wanted = set(chosen.tolist())
    if 0 in wanted:
        yield begin
    for number in range(1, int(chosen[-1]) + 1):
        deadline.check()
        frame = reader.next()
        if number in wanted:
            yield frame.asnumpy()


def _message(error: Exception, path: Path) -> str:
    """Decord's message without the time and the lines of its source."""
    words = re.sub(r"\[\d\d:\d\d:\d\d\] \S+:\d+: ", "", str(error)).replace(f"[{path}]", "")
    return " ".join(words.split())


def _decord() -> Any:
    try:
        import decord
    except ImportError as error:
        raise MissingDependencyError("decord", "the decoder 'decord'", "decord", error) from error
    return decord
