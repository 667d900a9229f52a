"""What transforms of sound share: another rate, and a cut."""

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray


def resampled(sound: Any, rate: int) -> NDArray[np.float32]:
    """The samples of a decoded sound at ``rate`` samples a second."""
    if sound.rate == rate:
        return np.asarray(sound.waveform, dtype=np.float32)
    from scipy.signal import resample_poly

    shared = gcd(sound.rate, rate)
    return resample_poly(sound.waveform, rate // shared, sound.rate // shared).astype(np.float32)  # type: ignore[no-any-return]


def crop(wave: NDArray[np.float32], most: int, generator: np.random.Generator | None) -> NDArray[np.float32]:
    """At most ``most`` samples: from the beginning or, with a generator, from anywhere."""
    spare = len(wave) - most
    if spare <= 0:
        return wave
    start = 0 if generator is None else int(generator.integers(spare + 1))
    return wave[start : start + most]
