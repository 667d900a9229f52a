"""The sound that a checkpoint expects: its rate, its length, and the shape of its spectrogram."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

from m5kit.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """How a feature extractor of transformers makes spectrograms.

    Attributes:
        rate: samples a second.
        samples: how many one input has.
        steps: time steps of the spectrogram.
        mels: its bands.
        repeats: whether a short sound is repeated until it is long enough.
        fingerprint: differs between extractors that prepare sound differently.
    """

    rate: int
    samples: int
    steps: int
    mels: int
    repeats: bool
    fingerprint: int

    @classmethod
    def of(cls, extractor: Any) -> "SoundFacts":
        """Read an extractor.

        Raises:
            ConfigError: it makes no spectrogram of a fixed length.
        """
        rate = int(extractor.sampling_rate)
        print_ = fingerprint(extractor)
        if hasattr(extractor, "nb_max_frames"):  # Whisper
            return cls(rate, extractor.n_samples, extractor.nb_max_frames, extractor.feature_size, False, print_)
        if hasattr(extractor, "nb_max_samples"):  # CLAP
            samples, hop = extractor.nb_max_samples, extractor.hop_length
            repeats = str(extractor.padding).startswith("repeat")
            return cls(rate, samples, samples // hop + 1, extractor.feature_size, repeats, print_)
        if hasattr(extractor, "num_mel_bins") and hasattr(extractor, "max_length"):  # AST: 10 ms a step
            steps = int(extractor.max_length)
            return cls(rate, steps * rate // 100, steps, extractor.num_mel_bins, False, print_)
        raise ConfigError(
            [f"{type(extractor).__name__} makes no spectrogram of a fixed length; use the transform waveform"]
        )


def fingerprint(extractor: Any) -> int:
    """A number that identifies an extractor's settings; 0 stands for none."""
    settings = {key: value for key, value in extractor.to_dict().items() if isinstance(value, str | int | float | bool)}
    return zlib.crc32(json.dumps(settings, sort_keys=True).encode())
