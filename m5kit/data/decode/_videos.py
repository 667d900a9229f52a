"""What the video decoders share: their arguments and caps, clips that m5kit stored, and frames that are decoded."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._container import Deadline
from m5kit.data.decode._frames import ClipCaps, accept_frames
from m5kit.data.decode._stored_frames import map_stored, read_stored
from m5kit.data.decode.base import Decoder
from m5kit.data.files import reading
from m5kit.ranges import Count, Positive


class VideoDecoder(Decoder):
    """A clip → ``t h w 3`` uint8, upright, evenly spaced in time.

    Args:
        frames: at most so many frames.
        fps: None spreads them over the whole clip; a number takes so many a second from the beginning.
        max_seconds: longer clips are refused.
        max_bytes: larger files are refused.
        max_pixels: clips with larger frames are refused.
        max_decode_seconds: a clip that takes longer to decode is refused: one key frame and large frames can cost
            hours within all other caps.
    """

    def __init__(
        self,
        *,
        frames: Count = 8,
        fps: Positive | None = None,
        max_seconds: Positive = 600.0,
        max_bytes: Count = 512 * 2**20,
        max_pixels: Count = 16_777_216,
        max_decode_seconds: Positive = 15.0,
    ) -> None:
        self.frames = frames
        self.fps = fps
        self.max_decode_seconds = max_decode_seconds
        self.caps = ClipCaps(max_seconds, max_bytes, max_pixels)
        self.require_library()

    def require_library(self) -> None:
        """Raise MissingDependencyError if what this decoder stands on is not there, before a run begins."""

    @abstractmethod
    def read(self, path: Path, deadline: Deadline) -> NDArray[np.uint8]:
        """The chosen frames of a clip.

        Raises:
            DamagedClipError: no video in it, damaged where it matters, over a cap, or too slow.
        """

    def __call__(self, source: Any, root: Path) -> NDArray[np.uint8]:
        """Decode ``t h w 3``.

        Raises:
            DecodeError: missing, no video in it, damaged where it matters, or over a cap.
        """
        content = self.member(source, root, self.caps.bytes)
        path = self.find(source, root, self.caps.bytes) if content is None else None
        with reading(source):
            stored = read_stored(content if path is None else map_stored(path), self.frames, self.fps, self.caps)
            if stored is not None:
                return stored
            path = path or self.find(source, root, self.caps.bytes)  # a copy of the member, for FFmpeg
            return self.read(path, Deadline(self.max_decode_seconds))

    def accept(self, value: Any) -> NDArray[np.uint8]:
        """Frames ``t h w 3`` uint8, or a pair (frames, frames a second); those that a file would give are chosen.

        Raises:
            DecodeError: neither of them, or over a cap.
        """
        with reading(type(value).__name__):
            return accept_frames(value, self.frames, self.fps, self.caps)

    @classmethod
    def example(cls, folder: Path) -> tuple[Self, str]:
        """A small video."""
        from m5kit.data.demo.encode import write_video

        write_video(folder / "video.mp4", np.arange(6 * 32 * 32 * 3, dtype=np.uint8).reshape(6, 32, 32, 3), None)
        return cls(frames=3), "video.mp4"
