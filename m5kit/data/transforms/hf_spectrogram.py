"""Sound as the spectrogram that a checkpoint's own feature extractor makes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.data.transforms._augment_sound import SAMPLES, SampleChanges, SoundAugmentation
from m5kit.data.transforms._sound import crop, resampled
from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.sounds import SoundFacts
from m5kit.nn.pretrained.weights import load_processor
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs

SHORTEST = 10
"""Parts of a second that a sound is filled up to with silence; extractors want a window at least."""


@TRANSFORMS.register_module("hf_spectrogram")
class HFSpectrogramTransform(Transform):
    """Sound → float32 ``t mels`` as AST, Whisper or CLAP take it, for ``hf_spectrogram``; filling is cut off.

    Longer sounds are cut to what the network takes at once: at a random place in training, at the beginning otherwise.

    Args:
        weights: the checkpoint, a local folder or a hub name; the encoder's own.
        augmentation: what is done in training (``augment``, ``speed``, ``pitch``, ``gain``, ``noise``).
    """

    provided = frozenset({"mels", "steps", "rate", "extractor"})

    def __init__(self, *, weights: str, augmentation: SoundAugmentation = SoundAugmentation()) -> None:
        self.weights = weights
        self.changes = SampleChanges(augmentation.resolve(SAMPLES))
        self.extractor = load_processor("AutoFeatureExtractor", weights, "hf_spectrogram")
        if self.extractor is None:
            raise ConfigError(
                [f"hf_spectrogram: {weights!r} has no preprocessor_config.json; name a folder or hub name that has"]
            )
        self.facts = SoundFacts.of(self.extractor)

    def __call__(self, decoded: Any, generator: np.random.Generator | None = None) -> Inputs:
        """Extract the spectrogram of one sound."""
        wave = resampled(decoded, self.facts.rate)
        if generator is not None:
            wave = self.changes(wave, self.facts.rate, generator)
        wave = crop(wave, self.facts.samples, generator)
        values = self._extract(np.pad(wave, (0, max(0, self.facts.rate // SHORTEST - len(wave)))))
        real = (
            len(values) if self.facts.repeats else min(len(values), -(-len(values) * len(wave) // self.facts.samples))
        )
        return Inputs.single(torch.from_numpy(values[: max(real, 1)].copy()))

    def blank(self) -> Inputs:
        """One step of nothing."""
        return Inputs.single(torch.zeros(1, self.facts.mels))

    def provides(self) -> Mapping[str, int]:
        """Steps and bands, and which extractor made them."""
        return {
            "mels": self.facts.mels,
            "steps": self.facts.steps,
            "rate": self.facts.rate,
            "extractor": self.facts.fingerprint,
        }

    def _extract(self, wave: NDArray[np.float32]) -> NDArray[np.float32]:
        assert self.extractor is not None
        before = np.random.get_state()  # CLAP's extractor draws, for a batch, which item counts as longer
        made = self.extractor(wave, sampling_rate=self.facts.rate, return_tensors="np")
        np.random.set_state(before)
        values = np.asarray(made[self.extractor.model_input_names[0]], dtype=np.float32)
        values = values.reshape(-1, *values.shape[-2:])[0]
        return np.ascontiguousarray(values.T) if values.shape[1] != self.facts.mels else values

    @classmethod
    def example(cls) -> tuple["HFSpectrogramTransform", Any]:
        """A small extractor of Whisper's, and a tone."""
        from tempfile import TemporaryDirectory

        from transformers import WhisperFeatureExtractor

        from m5kit.data.decode.sound import Sound

        with TemporaryDirectory() as folder:
            WhisperFeatureExtractor(feature_size=8, chunk_length=1, n_fft=64, hop_length=400).save_pretrained(folder)
            return cls(weights=folder), Sound(np.sin(np.arange(6_000, dtype=np.float32) / 9), 8_000)
