"""Decodes frames of a clip with torchcodec; the same frames as PyAV."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._container import DamagedClipError, Deadline
from m5kit.data.decode._frames import ClipCaps, accept_frames, capped_index
from m5kit.data.decode._stored_frames import read_stored
from m5kit.data.decode.base import Decoder
from m5kit.data.files import reading
from m5kit.errors import MissingDependencyError
from m5kit.ranges import Count, Positive
from m5kit.registry import DECODERS


@DECODERS.register_module("torchcodec")
class TorchCodecDecoder(Decoder):
    """For those who have torchcodec in their pipelines: takes and returns what ``pyav`` does.

    It needs FFmpeg's shared libraries on the system. Times come from the packets, as for ``pyav``; a clip whose frames
    it counts differently is refused. One thread: the loader's workers fill the cores.

    Args:
        frames: at most so many frames.
        fps: None spreads them over the whole clip; a number takes so many a second from the beginning.
        max_seconds: longer clips are refused.
        max_bytes: larger files are refused.
        max_pixels: clips with larger frames are refused.
        max_decode_seconds: a clip that takes longer to decode is refused, between two of the chosen frames.

    Raises:
        MissingDependencyError: torchcodec is not installed, or finds no FFmpeg or not the torch that it was made for.
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
        video_library("torchcodec")

    def __call__(self, source: Any, root: Path) -> NDArray[np.uint8]:
        """Decode ``t h w 3``.

        Raises:
            DecodeError: missing, no video in it, damaged where it matters, over a cap, or counted differently.
        """
        path = self.find(source, root, self.caps.bytes)
        with reading(source):
            stored = read_stored(path, self.frames, self.fps, self.caps)
            if stored is not None:
                return stored
            deadline = Deadline(self.max_decode_seconds)
            # PyAV first: it opens known formats only, and torchcodec's FFmpeg would open a playlist.
            index = capped_index(path, self.caps)
            # exact: the approximate mode is wrong by seconds where frames are not evenly spaced
            reader = video_library("torchcodec").VideoDecoder(
                str(path), dimension_order="NHWC", num_ffmpeg_threads=1, seek_mode="exact"
            )
            if index.discarded or len(reader) != len(index.ticks):
                raise DamagedClipError(
                    f"torchcodec counts {len(reader)} frames where {len(index.ticks)} are shown; use the decoder 'pyav'"
                )
            frames = []
            for number in index.choose(self.frames, self.fps).tolist():
                frames.append(reader.get_frame_at(number).data.numpy())
                deadline.check()
            return np.stack(frames)

    def accept(self, value: Any) -> NDArray[np.uint8]:
        """Frames ``t h w 3`` uint8, or a pair (frames, frames a second); those that a file would give are chosen.

        Raises:
            DecodeError: neither of them, or over a cap.
        """
        with reading(type(value).__name__):
            return accept_frames(value, self.frames, self.fps, self.caps)

    @classmethod
    def example(cls, folder: Path) -> tuple["TorchCodecDecoder", str]:
        """A small video."""
        from m5kit.data.demo.encode import write_video

        write_video(folder / "video.mp4", np.arange(6 * 32 * 32 * 3, dtype=np.uint8).reshape(6, 32, 32, 3), None)
        return cls(frames=3), "video.mp4"


def video_library(decoder: str) -> Any:
    """The library, with FFmpeg loaded: by itself it does so with the first file only, when a run has begun.

    Raises:
        MissingDependencyError: it is not there or does not find FFmpeg; ``decoder`` says what needs it.
    """
    needed_by = f"the decoder {decoder!r}, with FFmpeg's shared libraries on the system,"
    try:
        from torchcodec import decoders

        decoders.VideoDecoder(b"")
    except ValueError:  # what it says to no video at all, once it has found FFmpeg
        return decoders
    except (ImportError, RuntimeError, OSError) as error:
        if str(error).startswith("Could not load libtorchcodec") or isinstance(error, ImportError | OSError):
            raise MissingDependencyError("torchcodec", needed_by, "torchcodec") from error
    return decoders
