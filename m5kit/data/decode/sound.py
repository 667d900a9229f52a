"""Decodes the sound of a file: its own, or the track inside a clip."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._frames import DamagedClipError, best_stream, opened
from m5kit.data.decode._media import media_path, unreadable
from m5kit.data.decode.base import Decoder
from m5kit.registry import DECODERS

ENDLESS = 2**40  # samples; soundfile's word for "unknown" is 2**63 - 1
RATES = (1_000, 768_000)  # Hz; a rate outside is a damaged header


@dataclass(frozen=True, slots=True)
class Sound:
    """One channel: ``waveform`` float32 ``n``, nominally -1 to 1, and how many samples a second it has."""

    waveform: NDArray[np.float32]
    rate: int


@DECODERS.register_module("sound")
class SoundDecoder(Decoder):
    """WAV, FLAC, Ogg, MP3 and AIFF by soundfile; what it does not know (M4A, MP4, WebM, AMR ...) by PyAV.

    Channels are averaged. The content decides, not the file's extension.

    Args:
        max_seconds: longer sounds are refused; the transform, not this, cuts a sound to what the encoder reads.
        max_bytes: larger files are refused (a clip's pictures count).
    """

    def __init__(self, *, max_seconds: float = 600.0, max_bytes: int = 512 * 2**20) -> None:
        self.max_seconds = max_seconds
        self.max_bytes = max_bytes

    def __call__(self, source: Any, root: Path) -> Sound:
        """Decode to one channel.

        Raises:
            DecodeError: missing, damaged, no sound or no samples in it, or over a cap.
        """
        from av.error import FFmpegError

        path = media_path(source, root, self.max_bytes)
        try:
            sound = self._by_soundfile(path) or self._by_pyav(path)
            if not np.isfinite(sound.waveform).all():
                raise DamagedClipError("some of its samples are not numbers")
        except DamagedClipError as error:
            raise unreadable(source, str(error)) from error
        except (FFmpegError, OSError, RuntimeError, ValueError, MemoryError) as error:
            raise unreadable(source, error) from error
        return sound

    @classmethod
    def example(cls, folder: Path) -> tuple["SoundDecoder", str]:
        """A quarter of a second of FLAC."""
        import soundfile

        soundfile.write(folder / "sound.flac", np.sin(np.arange(2000) / 5), 8000)
        return cls(), "sound.flac"

    def _by_soundfile(self, path: Path) -> Sound | None:
        """None if soundfile does not know the format, or cannot tell how long it is."""
        import soundfile

        try:
            file = soundfile.SoundFile(path)
        except (soundfile.LibsndfileError, TypeError):  # TypeError: a headerless .raw
            return None
        with file:
            if not file.seekable() or file.frames > ENDLESS:
                return None
            self._check(file.frames, file.samplerate)
            channels = file.read(dtype="float32", always_2d=True)
            if len(channels) < file.frames:
                raise DamagedClipError(f"it declares {file.frames} samples and holds {len(channels)}; it is cut short")
            return Sound(channels.mean(1), file.samplerate)

    def _by_pyav(self, path: Path) -> Sound:
        with opened(path) as container:
            stream = best_stream(container, "audio")
            rate = int(stream.rate or 0)
            parts, count = [], 0
            for part in _planes(container, stream):
                count += part.shape[1]
                self._check(count, rate)
                parts.append(part.mean(0))
        self._check(count, rate)
        return Sound(np.concatenate(parts), rate)

    def _check(self, samples: int, rate: int) -> None:
        if not RATES[0] <= rate <= RATES[1]:
            raise DamagedClipError(f"{rate} samples a second are outside {RATES[0]} to {RATES[1]}")
        if samples <= 0:
            raise DamagedClipError("it holds no samples")
        if samples > self.max_seconds * rate:
            raise DamagedClipError(f"{samples / rate:.1f} s are over the cap max_seconds={self.max_seconds:g}")


def _planes(container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    """Decoded pieces as ``channel n`` float32; the resampler only converts, at the rate and channels there are."""
    from av import AudioResampler

    resampler = AudioResampler(format="fltp")
    first = None
    for frame in container.decode(stream):
        first = first or (frame.sample_rate, frame.layout.name)
        if (frame.sample_rate, frame.layout.name) != first:
            raise DamagedClipError("its sample rate or channels change on the way")
        for converted in resampler.resample(frame):
            yield converted.to_ndarray()
