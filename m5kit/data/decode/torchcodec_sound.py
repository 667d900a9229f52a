"""Decodes with torchcodec the sound that soundfile does not know: MP3, and the track inside a clip."""

from pathlib import Path
from typing import Any

import numpy as np

from m5kit.data.decode._container import DamagedClipError, Deadline, best_stream, opened
from m5kit.data.decode.sound import Sound, SoundDecoder, whole_of
from m5kit.data.decode.torchcodec import video_library
from m5kit.registry import DECODERS


@DECODERS.register_module("torchcodec_sound")
class TorchCodecSoundDecoder(SoundDecoder):
    """For those who have torchcodec in their pipelines: reads what ``sound`` does, the same samples within a rounding.

    It needs FFmpeg's shared libraries on the system. MP3 is decoded a quarter faster, the track of a clip is not. The
    time limit is looked at when all is decoded.

    Args:
        max_seconds: longer sounds are refused.
        max_bytes: larger files are refused (a clip's pictures count).
        max_samples: sounds of more samples of one channel are refused.
        max_decode_seconds: a file that takes longer to decode is refused.

    Raises:
        MissingDependencyError: torchcodec is not installed, or finds no FFmpeg or not the torch that it was made for.
    """

    def require_library(self) -> None:
        video_library("torchcodec_sound")

    def by_container(self, path: Path, deadline: Deadline) -> Sound:
        """PyAV looks at the container first: it opens known formats only, and knows how long a track should be."""
        with opened(path) as container:
            stream = best_stream(container, "audio")
            rate, number = int(stream.rate or 0), stream.index
            seconds = float(container.duration or 0) / 1e6
        # before anything is unpacked: what a header declares bounds the memory that the samples take
        if seconds:
            self.check_size(max(1, round(seconds * rate)), rate)
        try:
            decoder: Any = video_library("torchcodec_sound").AudioDecoder(str(path), stream_index=number)
            samples = decoder.get_all_samples()
        except RuntimeError as error:
            raise DamagedClipError(f"torchcodec says: {' '.join(str(error).split())[:200]}") from error
        sound = Sound(np.ascontiguousarray(samples.data.mean(0).numpy()), int(samples.sample_rate))
        deadline.check()
        self.check_size(len(sound.waveform), sound.rate)
        return whole_of(path, sound)
