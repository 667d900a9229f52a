"""Augmentation of samples: speed, pitch, gain and noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.arguments import ArgumentGroup
from m5kit.data.transforms._augment import Strength, amounts
from m5kit.ranges import Amount

SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "none": {"speed": 0.0, "pitch": 0.0, "gain": 0.0, "noise": None},
    "light": {"speed": 0.0, "pitch": 0.0, "gain": 6.0, "noise": 30.0},
    "strong": {"speed": 0.1, "pitch": 0.0, "gain": 12.0, "noise": 15.0},
}
"""Amounts by strength. No strength shifts the pitch alone, because that takes longer than all the rest of an item."""

SPECTROGRAMS: Mapping[str, Mapping[str, Any]] = {
    "none": {**SAMPLES["none"], "time_mask": 0.0, "band_mask": 0.0},
    "light": {**SAMPLES["none"], "time_mask": 0.1, "band_mask": 0.1},
    "strong": {**SAMPLES["strong"], "time_mask": 0.2, "band_mask": 0.2},
}
"""The same where a spectrogram is made of the samples; besides, SpecAugment's shares."""

STEPS = 20
"""Speeds are twentieths of the original: a ratio of small numbers resamples fast."""


@dataclass(frozen=True)
class SoundAugmentation(ArgumentGroup):
    """What is done to sounds in training; None takes the amount of the named strength.

    Args:
        augment: ``none``, ``light`` or ``strong``.
        speed: how much faster or slower a sound may be played, as a share; its pitch moves with it.
        pitch: the most semitones, up or down, by which the pitch alone is shifted (slow).
        gain: the most decibels, up or down.
        noise: Gaussian noise of at least this distance in decibels below the sound, up to twice the distance.
    """

    augment: Strength = "none"
    speed: Amount | None = None
    pitch: Amount | None = None
    gain: Amount | None = None
    noise: Amount | None = None

    def resolve(
        self, presets: Mapping[str, Mapping[str, Any]], more: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """All amounts; ``more`` are given ones that the transform has besides.

        Raises:
            ConfigError: there is no such strength.
        """
        given = dict(self.arguments) | dict(more or {})
        return amounts(presets, given.pop("augment"), given)


class SampleChanges:
    """Changes of a sound's samples.

    Args:
        amounts: as :meth:`SoundAugmentation.resolve` gives them.
    """

    def __init__(self, amounts: Mapping[str, Any]) -> None:
        self.speed, self.pitch = amounts["speed"], amounts["pitch"]
        self.gain, self.noise = amounts["gain"], amounts["noise"]

    def __bool__(self) -> bool:
        return bool(self.speed or self.pitch or self.gain or self.noise is not None)

    def __call__(self, wave: NDArray[np.float32], rate: int, generator: np.random.Generator) -> NDArray[np.float32]:
        """Changed samples; what is off draws nothing."""
        if self.speed:
            wave = self._resped(wave, generator)
        if self.pitch:
            wave = self._shifted(wave, rate, generator)
        if self.gain:
            wave = wave * np.float32(10 ** (generator.uniform(-self.gain, self.gain) / 20))
        if self.noise is not None:
            wave = self._noisy(wave, generator)
        return np.asarray(wave, dtype=np.float32)

    def _resped(self, wave: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        from torchaudio.functional import resample

        most = int(self.speed * STEPS)
        slower = STEPS + int(generator.integers(-most, most + 1))  # 18 of 20: as many samples take 10 % less time
        return np.asarray(resample(torch.from_numpy(np.ascontiguousarray(wave)), STEPS, slower).numpy())

    def _shifted(self, wave: NDArray[np.float32], rate: int, generator: np.random.Generator) -> NDArray[np.float32]:
        from torchaudio.functional import pitch_shift

        steps = int(generator.integers(-round(self.pitch), round(self.pitch) + 1))
        if steps == 0 or len(wave) < 512:  # shorter than a window
            return wave
        return np.asarray(pitch_shift(torch.from_numpy(np.ascontiguousarray(wave)), rate, steps).numpy())

    def _noisy(self, wave: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
        distance = generator.uniform(self.noise, 2 * self.noise)
        level = np.sqrt(np.mean(np.square(wave, dtype=np.float64))) * 10 ** (-distance / 20)
        noise = generator.standard_normal(len(wave), dtype=np.float32)
        return wave + np.float32(level) * noise
