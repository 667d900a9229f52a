"""Decodes the sound of a file: its own, or the track inside a clip."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._container import KEPT, DamagedClipError, Deadline, best_stream, opened
from m5kit.data.decode._mp3 import declared_frames
from m5kit.data.decode._spectrogram import Spectrogram, load_spectrogram, read_spectrogram
from m5kit.data.decode._whole import check_whole
from m5kit.data.decode.base import Decoder
from m5kit.data.files import UnusableFileError, reading
from m5kit.data.held import as_array
from m5kit.ranges import Count, Positive
from m5kit.registry import DECODERS

ENDLESS = 2**40  # samples; soundfile's word for "unknown" is 2**63 - 1
RATES = (1_000, 768_000)  # Hz; a rate outside is a damaged header
LOUDEST = 2.0**32  # over 32-bit integers that were stored as floats; more is damage, and overflows in a spectrogram
PIECE = 2**16  # samples of one channel that are averaged over channels at a time
MANY = 8  # channels; PyAV counts one plane too many where a frame has so many, reads beyond it, and the process dies
BLOCK = 2**20  # frames read at once: eight channels of a long sound would need gigabytes


@dataclass(frozen=True, slots=True)
class Sound:
    """One channel: ``waveform`` float32 ``n``, nominally -1 to 1, and how many samples a second it has."""

    waveform: NDArray[np.float32]
    rate: int


@DECODERS.register_module("sound")
class SoundDecoder(Decoder):
    """WAV, FLAC, Ogg and AIFF by soundfile; MP3 and what it does not know (M4A, MP4, WebM, AMR ...) by PyAV.

    Channels are averaged. The content decides, not the file's extension. MP3 is decoded to its end: without a table of
    contents soundfile guesses the length from the first frames, and is off by a factor for a variable rate.

    Args:
        max_seconds: longer sounds are refused; the transform, not this, cuts a sound to what the encoder reads.
        max_bytes: larger files are refused (a clip's pictures count).
        max_samples: sounds of more samples of one channel are refused; at a high rate ``max_seconds`` would be
            gigabytes.
        max_decode_seconds: a file that takes longer to decode is refused.
    """

    def __init__(
        self,
        *,
        max_seconds: Positive = 600.0,
        max_bytes: Count = 512 * 2**20,
        max_samples: Count = 64_000_000,
        max_decode_seconds: Positive = 15.0,
    ) -> None:
        self.max_seconds = max_seconds
        self.max_bytes = max_bytes
        self.max_samples = max_samples
        self.max_decode_seconds = max_decode_seconds
        self.require_library()

    def require_library(self) -> None:
        """Raise MissingDependencyError if what this decoder stands on is not there, before a run begins."""

    def __call__(self, source: Any, root: Path) -> Sound | Spectrogram:
        """Decode to one channel; of a spectrogram that ``m5kit data prepare`` stored, hand it on.

        Raises:
            DecodeError: missing, damaged, cut short, no sound or no samples in it, or over a cap.
        """
        content = self.member(source, root, self.max_bytes)
        path = self.find(source, root, self.max_bytes) if content is None else None
        with reading(source):
            stored = load_spectrogram(path) if path else read_spectrogram(content or b"")
            if stored is not None:
                return stored
            path = path or self.find(source, root, self.max_bytes)  # a copy of the member, for the libraries
            check_whole(path)
            deadline = Deadline(self.max_decode_seconds)
            sound = self._by_soundfile(path, deadline) or self.by_container(path, deadline)
            return _audible(sound)

    def accept(self, value: Any) -> Sound:
        """A :class:`Sound`, a pair (samples, samples a second), or a mapping ``array`` and ``sampling_rate``.

        Samples are ``n``, or have a second axis of channels, which is the shorter one. Whole numbers are divided by the
        largest of their type, as in a file.

        Raises:
            DecodeError: none of these, or over a cap.
        """
        with reading(type(value).__name__):
            sound = _held(value)
            self.check_size(len(sound.waveform), sound.rate)
            return _audible(sound)

    @classmethod
    def example(cls, folder: Path) -> tuple["SoundDecoder", str]:
        """A quarter of a second of FLAC."""
        import soundfile

        soundfile.write(folder / "sound.flac", np.sin(np.arange(2000) / 5), 8000)
        return cls(), "sound.flac"

    def _by_soundfile(self, path: Path, deadline: Deadline) -> Sound | None:
        """None if soundfile does not know the format, or cannot tell how long it is."""
        import soundfile

        try:
            file = soundfile.SoundFile(path)
        except (soundfile.LibsndfileError, TypeError):  # TypeError: a headerless .raw
            return None
        with file:
            if file.format == "MP3" or not file.seekable() or file.frames > ENDLESS:
                return None
            self.check_size(file.frames, file.samplerate)
            waveform = np.empty(file.frames, np.float32)
            count = 0
            while count < file.frames:
                deadline.check()
                block = file.read(BLOCK, dtype="float32", always_2d=True)
                if not len(block):
                    raise DamagedClipError(f"it declares {file.frames} samples and holds {count}; it is cut short")
                # the mean of one channel would be the same numbers, computed slowly
                waveform[count : count + len(block)] = block[:, 0] if block.shape[1] == 1 else block.mean(1)
                count += len(block)
            return Sound(waveform, file.samplerate)

    def by_container(self, path: Path, deadline: Deadline) -> Sound:
        """What soundfile does not know, to its end."""
        with opened(path) as container:
            stream = best_stream(container, "audio")
            rate = int(stream.rate or 0)
            parts, count = [], 0
            for part in _together(_planes(container, stream)):
                deadline.check()
                count += part.shape[1]
                self.check_size(count, rate)
                parts.append(part.mean(0))
        self.check_size(count, rate)
        return whole_of(path, Sound(np.concatenate(parts), rate))

    def check_size(self, samples: int, rate: int) -> None:
        """Raise DamagedClipError for no samples, an unlikely rate, or a sound over a cap."""
        if not RATES[0] <= rate <= RATES[1]:
            raise DamagedClipError(f"{rate} samples a second are outside {RATES[0]} to {RATES[1]}")
        if samples <= 0:
            raise DamagedClipError("it holds no samples")
        if samples > self.max_seconds * rate:
            raise DamagedClipError(f"{samples / rate:.1f} s are over the cap max_seconds={self.max_seconds:g}")
        if samples > self.max_samples:
            raise DamagedClipError(f"{samples:,} samples are over the cap max_samples={self.max_samples:,}")


def whole_of(path: Path, sound: Sound) -> Sound:
    """The sound, if an MP3 has as many samples as its header declares.

    Raises:
        DamagedClipError: it is cut short.
    """
    declared, count = declared_frames(path), len(sound.waveform)
    # The decoder leaves out the silence that encoders put before and after, up to three frames. A frame that it passes
    # over is no reason to refuse a sound, a second is, however long the sound.
    if declared is not None and declared - count > 3 * 1152 + min((1 - KEPT) * declared, 5 * 1152):
        raise DamagedClipError(f"it declares {declared} samples and holds {count}; it is cut short")
    return sound


def _audible(sound: Sound) -> Sound:
    # NaN fails this comparison too.
    if not np.abs(sound.waveform).max() <= LOUDEST:
        raise DamagedClipError(f"some of its samples are not numbers, or over {LOUDEST:.0f}")
    return sound


def _held(value: Any) -> Sound:
    """Samples and their rate, however they were given."""
    if isinstance(value, Sound):
        value = (value.waveform, value.rate)
    elif isinstance(value, Mapping) and {"array", "sampling_rate"} <= value.keys():  # as the library datasets has it
        value = (value["array"], value["sampling_rate"])
    samples = as_array(value[0]) if isinstance(value, tuple) and len(value) == 2 else None
    if samples is None or isinstance(value[1], bool) or not isinstance(value[1], int | np.integer):
        raise UnusableFileError("expected a path, the bytes of a file, or a pair (samples, samples a second)")
    if samples.ndim not in (1, 2) or samples.size == 0:
        raise UnusableFileError(f"expected samples of shape (n,) or (n, channels), got {samples.shape}")
    if samples.dtype.kind == "u":
        raise UnusableFileError(f"expected floats or signed whole numbers, got samples of {samples.dtype}")
    if samples.dtype.kind == "i":
        # Full scale becomes 1, as soundfile gives the same samples of a file.
        samples = samples / np.float32(-float(np.iinfo(samples.dtype).min))
    # Channels first, as torch has them: no sound has more channels than samples.
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T
    mono = samples if samples.ndim == 1 else np.ascontiguousarray(samples, np.float32).mean(1)
    return Sound(np.ascontiguousarray(mono, np.float32), int(value[1]))


def _together(planes: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """The same samples in longer pieces: a container has them by the thousand, too few to compute with at a time."""
    waiting: list[NDArray[np.float32]] = []
    count = 0
    for plane in planes:
        waiting.append(plane)
        count += plane.shape[1]
        if count >= PIECE:
            yield np.concatenate(waiting, axis=1)
            waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting, axis=1)


def _planes(container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    """Decoded pieces as ``channel n`` float32; the resampler only converts, at the rate and channels there are."""
    from av import AudioResampler

    first, resampler = None, None
    for frame in container.decode(stream):
        first = first or (frame.sample_rate, frame.layout.name)
        if (frame.sample_rate, frame.layout.name) != first:
            raise DamagedClipError("its sample rate or channels change on the way")
        channels = frame.layout.nb_channels
        if frame.format.name == "fltp" and channels < MANY:  # what most decoders give needs no conversion
            yield frame.to_ndarray()
            continue
        resampler = resampler or AudioResampler(format="fltp" if channels < MANY else "flt")
        for converted in resampler.resample(frame):
            yield converted.to_ndarray().reshape((channels, -1), order="C" if channels < MANY else "F")
