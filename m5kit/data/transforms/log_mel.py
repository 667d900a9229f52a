"""A sound becomes a log-mel spectrogram."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property, lru_cache
from importlib import import_module
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from m5kit.data.decode._spectrogram import MelSettings, Spectrogram
from m5kit.data.decode.sound import Sound
from m5kit.data.transforms._augment_sound import SPECTROGRAMS, SampleChanges, SoundAugmentation
from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError, DecodeError
from m5kit.ranges import Count, Positive, Share
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs

RATES = 16  # filters that are kept, one for each rate that the sounds of a data set have
FLOOR = 1e-6  # of the power; silence is log(FLOOR), not minus infinity

_IMPORTING = Lock()


@TRANSFORMS.register_module("log_mel")
class LogMelTransform(Transform):
    """One channel → ``t mels`` float32: resampled, mel power, logarithm, each clip of mean 0 and deviation 1.

    With ``cepstra`` it is MFCC: ``t cepstra``, each coefficient of mean 0 and deviation 1 over the clip.

    Resampling, the mel bank and SpecAugment (Park et al., Interspeech 2019) are torchaudio's; what SpecAugment masks is
    drawn from our generator. The power is computed here, to torchaudio's values within a rounding of their largest, in
    about half of its time: torchaudio takes a square root of each power in between, and squares it again.

    Args:
        seconds: longer sounds are cut to this: the middle, in training anywhere.
        rate: samples a second.
        mels: bands.
        window: length of a window in seconds.
        hop: distance of windows in seconds.
        cepstra: how many cepstral coefficients to make of the bands; None keeps the bands.
        time_mask: SpecAugment in training: the longest masked stretch of time, as a share; 0 masks nothing, None takes
            the share of the named strength.
        band_mask: the widest masked stretch of bands, as a share.
        augmentation: what is done to the samples in training (``augment``, ``speed``, ``pitch``, ``gain``, ``noise``).
    """

    provided = frozenset({"mels", "steps"})

    def __init__(
        self,
        *,
        seconds: Positive,
        rate: Count = 16_000,
        mels: Count = 64,
        window: Positive = 0.025,
        hop: Positive = 0.010,
        cepstra: Count | None = None,
        time_mask: Share | None = None,
        band_mask: Share | None = None,
        augmentation: SoundAugmentation = SoundAugmentation(augment="light"),
    ) -> None:
        self.samples, self.rate, self.mels = round(seconds * rate), rate, mels
        if cepstra is not None and not 1 <= cepstra <= mels:
            raise ConfigError([f"log_mel: expected 1 to {mels} cepstra, as many as mels, got {cepstra}"])
        self.window, self.hop, self.cepstra = round(window * rate), round(hop * rate), cepstra
        more = {"time_mask": time_mask, "band_mask": band_mask}
        chosen = augmentation.resolve(SPECTROGRAMS, more)
        self.time_mask, self.band_mask = chosen["time_mask"], chosen["band_mask"]
        self.changes = SampleChanges(chosen)
        self.steps = self.samples // self.hop + 1

    def __call__(self, decoded: Sound | Spectrogram, generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one sound, or what :meth:`whole` made of one."""
        if isinstance(decoded, Spectrogram):
            mel = self._even(self._stored(decoded, generator))
        else:
            mel = self._even(self._computed(decoded, generator))
        return Inputs.single(mel if generator is None else self._masked(mel, generator))

    def spectrogram(self, sound: Sound, samples: int = 0) -> Spectrogram:
        """What a call makes of a sound before each clip is brought to mean 0 and deviation 1, to be stored.

        Args:
            sound: of any length.
            samples: of a longer one, so many in the middle; 0 for all of it, of which a call then cuts steps.
        """
        waveform = self._long_enough(self._resampled(sound))
        return Spectrogram(self._log_power(self._cut(waveform, samples or len(waveform), None)).numpy(), self.settings)

    @property
    def settings(self) -> MelSettings:
        """What a stored spectrogram must have been made with."""
        return MelSettings(self.rate, self.mels, self.window, self.hop)

    def blank(self) -> Inputs:
        """Zeros of the full length."""
        return Inputs.single(torch.zeros(self.steps, self.cepstra or self.mels))

    def provides(self) -> Mapping[str, int]:
        """How many bands or coefficients, and the most steps."""
        return {"mels": self.cepstra or self.mels, "steps": self.steps}

    @classmethod
    def example(cls) -> tuple["LogMelTransform", Sound]:
        """A quarter of a second of a falling tone."""
        return cls(seconds=0.2, rate=8000, mels=16), Sound(np.sin(np.arange(2000) ** 0.9).astype(np.float32), 8000)

    def __getstate__(self) -> dict[str, Any]:
        made = ("_bank", "_shape")  # each worker makes its own
        return {name: value for name, value in vars(self).items() if name not in made}

    def _computed(self, sound: Sound, generator: np.random.Generator | None) -> Tensor:
        waveform = self._resampled(sound)
        if generator is not None:
            waveform = torch.from_numpy(self.changes(waveform.numpy(), self.rate, generator))
        return self._log_power(self._cut(self._long_enough(waveform), self.samples, generator))

    def _stored(self, found: Spectrogram, generator: np.random.Generator | None) -> Tensor:
        if found.settings != self.settings:
            raise DecodeError(f"a spectrogram of {found.settings} was stored, and the input reads {self.settings}")
        return self._cut(torch.from_numpy(found.values), self.steps, generator).float()

    def _log_power(self, waveform: Tensor) -> Tensor:
        return torch.log(self._power(waveform) @ self._bank + FLOOR)

    @property
    def _transform_size(self) -> int:
        return max(512, self.window)

    @cached_property
    def _bank(self) -> Tensor:
        """Triangles on the mel scale, one column a band."""
        triangles = _of_torchaudio("functional", "melscale_fbanks")
        bank: Tensor = triangles(self._transform_size // 2 + 1, 0.0, self.rate / 2, self.mels, self.rate)
        return bank

    @cached_property
    def _shape(self) -> Tensor:
        """A Hann window in the middle of zeros, as long as the transform."""
        left = (self._transform_size - self.window) // 2
        right = self._transform_size - self.window - left
        shape: Tensor = nn.functional.pad(torch.hann_window(self.window), (left, right))
        return shape

    def _power(self, waveform: Tensor) -> Tensor:
        """The power of each moment and frequency, the first moment in the middle of its window."""
        edge = self._transform_size // 2
        padded = nn.functional.pad(waveform[None], (edge, edge), mode="reflect")[0]
        spectrum = torch.fft.rfft(padded.unfold(0, self._transform_size, self.hop) * self._shape)
        # not abs() ** 2, whose square root costs more than the transform itself
        power: Tensor = spectrum.real.square() + spectrum.imag.square()
        return power

    def _resampled(self, sound: Sound) -> Tensor:
        # odd rates (44,101 Hz) would need a filter of gigabytes; a fraction of small numbers is off by 1e-6 at most
        ratio = Fraction(sound.rate, self.rate).limit_denominator(640)
        waveform: Tensor = _resampler(ratio.numerator, ratio.denominator)(torch.from_numpy(sound.waveform))
        return waveform

    def _long_enough(self, waveform: Tensor) -> Tensor:
        # Reflection at the ends needs more than half of the transform, which may be longer than the window.
        shortest = max(self.window, self._transform_size // 2 + 1)
        return waveform if len(waveform) >= shortest else nn.functional.pad(waveform, (0, shortest - len(waveform)))

    def _cut(self, values: Tensor, most: int, generator: np.random.Generator | None) -> Tensor:
        """The middle or, in training, any stretch."""
        spare = max(len(values) - most, 0)
        start = spare // 2 if generator is None else int(generator.integers(spare + 1))
        return values[start : start + most]

    def _even(self, mel: Tensor) -> Tensor:
        """Mean 0 and deviation 1: of all ``t mels`` numbers, or of each coefficient made of them."""
        # The small number is for silence, whose deviation is 0.
        if self.cepstra is None:
            return (mel - mel.mean()).div_(mel.std(correction=0) + 1e-5)
        made: Tensor = mel @ _of_torchaudio("functional", "create_dct")(self.cepstra, self.mels, norm="ortho")
        return (made - made.mean(0)) / (made.std(0, correction=0) + 1e-5)

    def _masked(self, mel: Tensor, generator: np.random.Generator) -> Tensor:
        """SpecAugment: one stretch of time and one of bands become the clip's mean, which is 0."""
        from torchaudio.functional import mask_along_axis

        with torch.random.fork_rng(devices=[]):  # torchaudio draws from the global state
            # torch.manual_seed would also queue a seed for every GPU, with a formatted stack: a tenth of an item's time
            torch.default_generator.manual_seed(int(generator.integers(2**63)))
            for axis, share in ((2, self.band_mask), (1, self.time_mask)):
                widest = int(share * mel.shape[axis - 1])
                if widest:
                    mel = mask_along_axis(mel[None], widest, 0.0, axis)[0]
        return mel


@lru_cache(RATES)
def _resampler(rate: int, wanted: int) -> nn.Module:
    """Keeps its filter: to compute it takes as long as to filter ten seconds."""
    resampler: nn.Module = _of_torchaudio("transforms", "Resample")(rate, wanted)
    return resampler


def _of_torchaudio(module: str, name: str) -> Any:
    """A part of torchaudio, imported when it is needed, by one thread at a time.

    Its modules import each other: a second thread would be handed one that is half imported.
    """
    with _IMPORTING:
        return getattr(import_module(f"torchaudio.{module}"), name)
