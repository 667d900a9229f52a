"""Sounds: samples at a lower rate, or the spectrogram that a model reads."""

import io
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np

from m5kit.data.decode._spectrogram import pack_spectrogram
from m5kit.data.shards.preparer import Preparer
from m5kit.data.transforms.log_mel import LogMelTransform
from m5kit.errors import DecodeError


@dataclass(frozen=True)
class Flac(Preparer):
    """Sound as FLAC of one channel and 16 bits.

    Attributes:
        rate: samples a second.
    """

    rate: int = 16_000

    name = "flac"

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """Decoded and resampled as a run would."""
        import soundfile

        from m5kit.data.decode.sound import SoundDecoder
        from m5kit.data.transforms._sound import resampled

        decoder = SoundDecoder()
        decoder.follow_links = follow_links
        wave = resampled(decoder(reference, root), self.rate)
        content = io.BytesIO()
        soundfile.write(content, np.clip(wave, -1, 1), self.rate, format="FLAC", subtype="PCM_16")
        return content.getvalue(), "flac"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """A higher rate."""
        wanted = _rate(transform) or 0
        return f"rate {wanted}" if wanted > self.rate else None

    @classmethod
    def reading_for(cls, decoder: Any, transform: Any) -> Self | None:
        """For whatever reads samples at a rate."""
        rate = _rate(transform)
        return None if rate is None else cls(rate=rate)


@dataclass(frozen=True)
class LogMel(Preparer):
    """The log-mel spectrogram of a sound, from which ``log_mel`` cuts what it reads; numbers of 16 bits.

    Attributes:
        rate: samples a second of the sound that it is made of.
        mels: bands.
        window: length of a window in samples.
        hop: distance of windows in samples.
        samples: of a longer sound, so many in the middle, as evaluation reads it; 0 for all of it.
    """

    rate: int = 16_000
    mels: int = 64
    window: int = 400
    hop: int = 160
    samples: int = 0

    name = "log_mel"

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """Decoded, resampled and transformed as a run would."""
        from m5kit.data.decode.sound import Sound, SoundDecoder

        decoder = SoundDecoder()
        decoder.follow_links = follow_links
        sound = decoder(reference, root)
        if not isinstance(sound, Sound):
            raise DecodeError(f"{reference!r} is a spectrogram already; make others of the sounds")
        transform = _transform(self.rate, self.mels, self.window, self.hop)
        return pack_spectrogram(transform.spectrogram(sound, self.samples)), "safetensors"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """Samples, a spectrogram of other settings or of a longer stretch, or one whose samples are augmented."""
        if not isinstance(transform, LogMelTransform):
            return "samples"
        if transform.changes:
            return "augmented samples (speed, pitch, gain or noise)"
        for name, wanted in asdict(transform.settings).items():
            if wanted != getattr(self, name):
                return f"{name} {wanted}"
        return f"samples {transform.samples}" if 0 < self.samples < transform.samples else None

    @classmethod
    def reading_for(cls, decoder: Any, transform: Any) -> Self | None:
        """For ``log_mel``, unless it augments samples."""
        if not isinstance(transform, LogMelTransform) or transform.changes:
            return None
        return cls(**asdict(transform.settings), samples=transform.samples)


def _rate(transform: Any) -> int | None:
    """Samples a second that a transform of sound reads."""
    rate: int | None = getattr(transform, "rate", None) or transform.provides().get("rate")
    return rate


@lru_cache(1)
def _transform(rate: int, mels: int, window: int, hop: int) -> LogMelTransform:
    """A shard has thousands of sounds of the same settings."""
    return LogMelTransform(seconds=1.0, rate=rate, mels=mels, window=window / rate, hop=hop / rate)
