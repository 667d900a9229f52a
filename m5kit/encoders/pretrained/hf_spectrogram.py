"""Sound through networks of Hugging Face transformers that see spectrograms: AST, Whisper's encoder, CLAP."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, pad

from m5kit.encoders.pretrained.base import PretrainedEncoder, Target, TokenOptions
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.pooling import length_mean
from m5kit.nn.pretrained.projections import find_projection
from m5kit.nn.pretrained.sounds import fingerprint
from m5kit.nn.pretrained.spectrogram_families import FAMILIES, Family
from m5kit.nn.pretrained.tuning import Pretrained, Tuning
from m5kit.nn.pretrained.weights import Loaded, Weights, load_network, load_processor
from m5kit.ranges import Count, Natural
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, length_mask

PROJECTIONS = {"clap": ("audio_projection",)}
"""Of two-tower models, what takes the summary to the space shared with texts."""


@dataclass(frozen=True)
class Stretches(Observation):
    """Stretches of a spectrogram, and the value ``p`` that stands for silence in each."""

    silence: Tensor | None = None


@ENCODERS.register_module("hf_spectrogram")
class HFSpectrogram(PretrainedEncoder):
    """A spectrogram network of transformers; a task hides stretches of all bands.

    Spectrograms come from the transform ``hf_spectrogram``. The network takes a window of fixed length: what a sound
    does not fill is silence, and no tokens come of it. The network's tokens are averaged to one a stretch. CLAP's tower
    keeps its own projection: the contrastive features begin as what ``get_audio_features`` gives.

    Args:
        dim: width d of the tokens.
        mels: bands of the spectrogram; must be the checkpoint's.
        steps: time steps of the window; must be the checkpoint's.
        weights: a local folder, a hub name, or a config with ``model_type`` that begins at random.
        extractor: fingerprint of the feature extractor that made the spectrograms, 0 if it is no checkpoint's.
        patch: time steps of a stretch.
        tuning: how the network is trained (``trainable``, ``layer_decay``, ``rate_scale``, ``checkpointing``).
        tokens: what a task may hide and what comes out (``hides``, ``output``, ``mixing``, ``heads``).
        target: what is predicted of a hidden stretch: the ``input``, or what a frozen ``network`` makes of it.
    """

    def __init__(
        self,
        *,
        dim: Count,
        mels: Count,
        steps: Count,
        weights: Weights,
        extractor: Natural = 0,
        patch: Count = 32,
        tuning: Tuning = Tuning(),
        tokens: TokenOptions = TokenOptions(),
        target: Target = "input",
    ) -> None:
        loaded, network = _load_tower(weights)
        family = FAMILIES[network.config.model_type]()
        own = load_processor("AutoFeatureExtractor", weights, "hf_spectrogram")
        _check(family, network.config, own, extractor, mels, steps)
        backbone = Pretrained(network, tuning)
        width, trainable = network.config.hidden_size, tuning.trainable
        projection = find_projection(
            loaded, PROJECTIONS, width=width, trainable=trainable, weights=weights, needed_by="hf_spectrogram"
        )
        super().__init__(
            dim=dim,
            width=network.config.hidden_size,
            backbone=backbone,
            tokens=tokens,
            target=target,
            projection=projection,
        )
        self.family, self.extractor = family, own
        self.mels, self.steps, self.patch = mels, steps, patch

    def cut(self, inputs: Inputs) -> Observation:
        """Stretches ``p l e`` of ``p t mels``; what the last one lacks is silence.

        Raises:
            ContractError: a sound has more steps than the window.
        """
        size = inputs.values.shape[1]
        if size > self.steps:
            raise ContractError(f"hf_spectrogram takes {self.steps} steps at once, got {size}; shorten the sounds")
        real = length_mask(inputs.lengths, size, inputs.values.device)
        silence = self.family.silence(inputs.values, real, self.extractor)
        values = torch.where(real[..., None], inputs.values, silence[:, None, None])
        extra = silence[:, None, None].expand(-1, -size % self.patch, self.mels)
        stretches = torch.cat([values, extra], dim=1).unflatten(1, (-1, self.patch)).flatten(2)
        return Stretches(stretches, (inputs.lengths + self.patch - 1) // self.patch, silence=silence)

    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Summary ``p c`` and tokens ``p l c``."""
        assert isinstance(observation, Stretches)
        assert observation.silence is not None
        window = self._window(observation.values, observation.mask, observation.silence)
        summary, tokens = self.family.encode(self.backbone, window)
        count = observation.values.shape[1]
        aligned = adaptive_avg_pool1d(tokens.mT.float(), -(-self.steps // self.patch)).mT[:, :count]
        return length_mean(aligned, observation.lengths) if summary is None else summary, aligned

    def _window(self, stretches: Tensor, real: Tensor, silence: Tensor) -> Tensor:
        """``p steps mels``, silence where there is no stretch."""
        level = silence[:, None, None]
        output = torch.where(real[..., None], stretches, level).unflatten(2, (self.patch, self.mels)).flatten(1, 2)
        output = output[:, : self.steps] - level
        return pad(output, (0, 0, 0, self.steps - output.shape[1])) + level

    @classmethod
    def example(cls) -> tuple["HFSpectrogram", Inputs]:
        """A one-layer AST that begins at random, and three sounds."""
        weights = {
            "model_type": "audio-spectrogram-transformer",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "patch_size": 4,
            "frequency_stride": 4,
            "time_stride": 4,
            "max_length": 28,
            "num_mel_bins": 8,
        }
        encoder = cls(dim=12, mels=8, steps=28, patch=4, weights=weights, tuning=Tuning(trainable="all"))
        return encoder, Inputs(torch.randn(3, 24, 8), torch.tensor([24, 7, 16]))


def _load_tower(weights: Weights) -> tuple[Loaded, Any]:
    """The model of the checkpoint, and the network in it that reads spectrograms."""
    loaded = load_network(weights, "hf_spectrogram")
    part = loaded.part("audio_model")
    if part.network.config.model_type == "whisper":  # type: ignore[union-attr]
        part = part.part("encoder")
    network = part.complete(weights, "hf_spectrogram")
    if network.config.model_type not in FAMILIES:
        raise ConfigError([_wrong_kind(network.config.model_type)])
    if hasattr(network.config, "encoder_layerdrop"):
        network.layerdrop = 0.0
    return loaded, network


def _wrong_kind(kind: str) -> str:
    return f"hf_spectrogram: {kind!r} is none of {', '.join(FAMILIES)}; waveform networks go with hf_audio"


def _check(family: Family, config: Any, own: Any, extractor: int, mels: int, steps: int) -> None:
    problems = family.problems(config, mels, steps)
    if own is not None and fingerprint(own) != extractor:
        problems.append(
            "hf_spectrogram: the checkpoint was trained on spectrograms that its own feature extractor makes; use the "
            "transform hf_spectrogram with the same weights"
        )
    if problems:
        raise ConfigError(problems)
