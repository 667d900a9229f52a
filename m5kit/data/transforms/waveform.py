"""Sound as stretches of samples at the rate that a pretrained network takes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from m5kit.data.transforms._augment_sound import SAMPLES, SampleChanges, SoundAugmentation
from m5kit.data.transforms._sound import crop, resampled
from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError
from m5kit.ranges import Count, Positive
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs


@TRANSFORMS.register_module("waveform")
class Waveform(Transform):
    """Sound → float32 ``l chunk``, for ``hf_audio``; a last stretch that is not full is dropped.

    Longer sounds are cut: at a random place in training, at the beginning otherwise. A sound shorter than one stretch
    is filled with silence.

    Args:
        rate: samples a second; the checkpoint's.
        seconds: the longest sound.
        chunk: samples of a stretch, the unit that a task hides.
        augmentation: what is done in training (``augment``, ``speed``, ``pitch``, ``gain``, ``noise``).
    """

    provided = frozenset({"rate", "chunk"})

    def __init__(
        self,
        *,
        rate: Count = 16_000,
        seconds: Positive = 10.0,
        chunk: Count = 3_200,
        augmentation: SoundAugmentation = SoundAugmentation(),
    ) -> None:
        if not 0 < chunk <= seconds * rate:
            raise ConfigError([f"waveform.chunk: expected 1 to {int(seconds * rate)} samples, got {chunk}"])
        self.rate, self.seconds, self.chunk = rate, seconds, chunk
        self.changes = SampleChanges(augmentation.resolve(SAMPLES))

    def __call__(self, decoded: Any, generator: np.random.Generator | None = None) -> Inputs:
        """Cut one sound into stretches."""
        wave = resampled(decoded, self.rate)
        if generator is not None:
            wave = self.changes(wave, self.rate, generator)
        wave = crop(wave, int(self.seconds * self.rate), generator)
        if len(wave) < self.chunk:
            wave = np.pad(wave, (0, self.chunk - len(wave)))
        whole = len(wave) // self.chunk * self.chunk
        return Inputs.single(torch.from_numpy(wave[:whole].reshape(-1, self.chunk).copy()))

    def blank(self) -> Inputs:
        """One silent stretch."""
        return Inputs.single(torch.zeros(1, self.chunk))

    def provides(self) -> Mapping[str, int]:
        """Rate and stretch."""
        return {"rate": self.rate, "chunk": self.chunk}

    @classmethod
    def example(cls) -> tuple["Waveform", Any]:
        """Stretches of a tenth of a second, and half a second of noise."""
        from m5kit.data.decode.sound import Sound

        return cls(rate=1_000, seconds=0.3, chunk=100), Sound(np.sin(np.arange(4_000, dtype=np.float32)), 8_000)
