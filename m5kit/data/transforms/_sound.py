"""What transforms of sound share: another rate, and a cut."""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._spectrogram import Spectrogram
from m5kit.errors import DecodeError


def resampled(sound: Any, rate: int) -> NDArray[np.float32]:
    """The samples of a decoded sound at ``rate`` samples a second.

    Raises:
        DecodeError: only its spectrogram was stored.
    """
    if isinstance(sound, Spectrogram):
        raise DecodeError("only its spectrogram was stored, which the transform log_mel reads and no other")
    if sound.rate == rate:
        return np.asarray(sound.waveform, dtype=np.float32)
    from scipy.signal import resample_poly

    # odd rates (44,101 Hz) would need a filter of a million taps; a fraction of small numbers is off by 1e-6 at most
    ratio = Fraction(rate, sound.rate).limit_denominator(640)
    wave = resample_poly(sound.waveform, ratio.numerator, ratio.denominator)
    return np.asarray(wave, dtype=np.float32)


def crop(wave: NDArray[np.float32], most: int, generator: np.random.Generator | None) -> NDArray[np.float32]:
    """At most ``most`` samples: from the beginning or, with a generator, from anywhere."""
    spare = len(wave) - most
    if spare <= 0:
        return wave
    start = 0 if generator is None else int(generator.integers(spare + 1))
    return wave[start : start + most]
