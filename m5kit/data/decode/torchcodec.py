"""Decodes frames of a clip with torchcodec; the same frames as PyAV."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._container import Deadline
from m5kit.data.decode._frames import capped_index
from m5kit.data.decode._other_libraries import check_frame, check_video
from m5kit.data.decode._videos import VideoDecoder
from m5kit.errors import MissingDependencyError
from m5kit.registry import DECODERS


@DECODERS.register_module("torchcodec")
class TorchCodecDecoder(VideoDecoder):
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

    def require_library(self) -> None:
        video_library("torchcodec")

    def read(self, path: Path, deadline: Deadline) -> NDArray[np.uint8]:
        """One after the other, in its exact mode: the approximate one is wrong by seconds where frames are uneven."""
        # PyAV first: it opens known formats only, and torchcodec's FFmpeg would open a playlist.
        index = capped_index(path, self.caps)
        library = video_library("torchcodec")
        reader = library.VideoDecoder(
            str(path),
            stream_index=None if index.stream is None else index.stream.number,
            dimension_order="NHWC",
            num_ffmpeg_threads=1,
            seek_mode="exact",
        )
        check_video("torchcodec", index, len(reader))
        frames = []
        for number in index.choose(self.frames, self.fps).tolist():
            frames.append(reader.get_frame_at(number).data.numpy())
            deadline.check()
        check_frame("torchcodec", index, frames[0])
        return np.stack(frames)


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
