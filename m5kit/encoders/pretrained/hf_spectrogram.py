"""Sound through networks of Hugging Face transformers that see spectrograms: AST, Whisper's encoder, CLAP."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, pad

from m5kit.encoders.pretrained.base import Hides, Output, PretrainedEncoder, Target
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.pooling import length_mean
from m5kit.nn.pretrained.sounds import fingerprint
from m5kit.nn.pretrained.tuning import Pretrained
from m5kit.nn.pretrained.weights import Weights, load_network, load_processor
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, length_mask


@dataclass(frozen=True)
class Stretches(Observation):
    """Stretches of a spectrogram, and the value ``p`` that stands for silence in each."""

    silence: Tensor | None = None


@ENCODERS.register_module("hf_spectrogram")
class HFSpectrogram(PretrainedEncoder):
    """A spectrogram network of transformers; a task hides stretches of all bands.

    Spectrograms come from the transform ``hf_spectrogram``. The network hears a window of fixed length: what a sound
    does not fill is silence, and no tokens come of it. The network's tokens are averaged to one a stretch.

    Args:
        dim: width d of the tokens.
        mels: bands of the spectrogram; must be the checkpoint's.
        steps: time steps of the window; must be the checkpoint's.
        weights: a local folder, a hub name, or a config with ``model_type`` that begins at random.
        extractor: fingerprint of the feature extractor that made the spectrograms, 0 if it is no checkpoint's.
        patch: time steps of a stretch.
        trainable: ``none``, ``all``, ``last:N``, ``lora`` or ``lora:RANK``.
        hides: what a task may hide: the ``input``, or the ``output`` of a frozen network.
        output: ``tokens``, or the summary alone (``pooled``).
        target: what is predicted of a hidden stretch: the ``input``, or what a frozen ``network`` makes of it.
        layer_decay: factor of the learning rate from each block to the one before.
        rate_scale: learning rate of the last block over that of new layers.
        checkpointing: save memory by computing activations twice.
        mixing: transformer blocks after a frozen network whose output is hidden.
        heads: attention heads of one.
    """

    def __init__(
        self,
        *,
        dim: int,
        mels: int,
        steps: int,
        weights: Weights,
        extractor: int = 0,
        patch: int = 32,
        trainable: str = "none",
        hides: Hides = "input",
        output: Output = "tokens",
        target: Target = "input",
        layer_decay: float = 1.0,
        rate_scale: float = 1.0,
        checkpointing: bool = False,
        mixing: int = 2,
        heads: int = 4,
    ) -> None:
        network = _hearing(weights)
        family = FAMILIES[network.config.model_type]()
        own = load_processor("AutoFeatureExtractor", weights, "hf_spectrogram")
        _check(family, network.config, own, extractor, mels, steps)
        backbone = Pretrained(
            network,
            trainable=trainable,
            layer_decay=layer_decay,
            rate_scale=rate_scale,
            checkpointing=checkpointing,
        )
        super().__init__(
            dim=dim,
            width=network.config.hidden_size,
            backbone=backbone,
            hides=hides,
            output=output,
            target=target,
            mixing=mixing,
            heads=heads,
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
            raise ContractError(f"hf_spectrogram hears {self.steps} steps at once, got {size}; shorten the sounds")
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
        summary, tokens = self.family.hear(self.backbone, window)
        count = observation.values.shape[1]
        aligned = adaptive_avg_pool1d(tokens.mT.float(), -(-self.steps // self.patch)).mT[:, :count]
        return length_mean(aligned, observation.lengths) if summary is None else summary, aligned

    def _window(self, stretches: Tensor, real: Tensor, silence: Tensor) -> Tensor:
        """``p steps mels``, silence where there is no stretch."""
        level = silence[:, None, None]
        heard = torch.where(real[..., None], stretches, level).unflatten(2, (self.patch, self.mels)).flatten(1, 2)
        heard = heard[:, : self.steps] - level
        return pad(heard, (0, 0, 0, self.steps - heard.shape[1])) + level

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
        encoder = cls(dim=12, mels=8, steps=28, patch=4, weights=weights, trainable="all")
        return encoder, Inputs(torch.randn(3, 24, 8), torch.tensor([24, 7, 16]))


class Family(ABC):
    """How one kind of network takes a spectrogram and gives tokens along time."""

    def problems(self, config: Any, mels: int, steps: int) -> list[str]:
        """Sizes that the network was not made for."""
        wanted = {"mels": config.num_mel_bins, "steps": self.steps(config)}
        given = {"mels": mels, "steps": steps}
        return [
            f"hf_spectrogram: the network sees {want} {name}, the data's transform makes {given[name]}; use the "
            "transform hf_spectrogram with the same weights"
            for name, want in wanted.items()
            if want is not None and want != given[name]
        ]

    @abstractmethod
    def steps(self, config: Any) -> int | None:
        """Time steps of the window; None if any will do."""

    def silence(self, values: Tensor, real: Tensor, extractor: Any) -> Tensor:
        """The value ``p`` that stands for silence beside the ``real`` steps of ``p t mels``."""
        return values.new_zeros(len(values))

    @abstractmethod
    def hear(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        """Summary ``p c``, if the network has one of its own, and tokens ``p t c`` of ``p steps mels``."""


class AST(Family):
    """Audio Spectrogram Transformer: overlapping patches, averaged over the bands."""

    def steps(self, config: Any) -> int | None:
        return int(config.max_length)

    def silence(self, values: Tensor, real: Tensor, extractor: Any) -> Tensor:
        level = -extractor.mean / (2 * extractor.std) if getattr(extractor, "do_normalize", False) else 0.0
        return values.new_full((len(values),), level)

    def hear(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        config = network.network.config
        heard = network(input_values=window)
        bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1  # type: ignore[union-attr, operator]
        tokens = heard.last_hidden_state[:, 2:].unflatten(1, (bands, -1)).mean(1)
        return heard.pooler_output, tokens


class Whisper(Family):
    """Whisper's encoder: bands first, two steps a token."""

    def steps(self, config: Any) -> int | None:
        return 2 * int(config.max_source_positions)

    def silence(self, values: Tensor, real: Tensor, extractor: Any) -> Tensor:
        loudest = values.masked_fill(~real[..., None], -torch.inf).amax((1, 2))
        return torch.where(loudest.isfinite(), loudest - 2, 0.0)  # eighty decibels, a quarter a bel

    def hear(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        return None, network(window.mT).last_hidden_state


class Clap(Family):
    """CLAP's audio tower: a map of bands and time, averaged over the bands."""

    def steps(self, config: Any) -> int | None:
        return None

    def hear(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        fused = network.network.config.enable_fusion  # type: ignore[union-attr]
        given = window[:, None].expand(-1, 4 if fused else 1, -1, -1)
        short = torch.zeros(len(window), 1, dtype=torch.bool, device=window.device) if fused else None
        heard = network(input_features=given, is_longer=short)
        return heard.pooler_output, heard.last_hidden_state.mean(2).mT


FAMILIES: dict[str, type[Family]] = {
    "audio-spectrogram-transformer": AST,
    "whisper": Whisper,
    "clap_audio_model": Clap,
}


def _hearing(weights: Weights) -> Any:
    loaded = load_network(weights, "hf_spectrogram").part("audio_model")
    if loaded.network.config.model_type == "whisper":  # type: ignore[union-attr]
        loaded = loaded.part("encoder")
    network = loaded.complete(weights, "hf_spectrogram")
    if network.config.model_type not in FAMILIES:
        raise ConfigError(
            [
                f"hf_spectrogram: {network.config.model_type!r} is none of {', '.join(FAMILIES)}; networks that hear "
                "samples go with hf_audio"
            ]
        )
    if hasattr(network.config, "encoder_layerdrop"):
        network.layerdrop = 0.0
    return network


def _check(family: Family, config: Any, own: Any, extractor: int, mels: int, steps: int) -> None:
    problems = family.problems(config, mels, steps)
    if own is not None and fingerprint(own) != extractor:
        problems.append(
            "hf_spectrogram: the checkpoint was trained on spectrograms that its own feature extractor makes; use the "
            "transform hf_spectrogram with the same weights"
        )
    if problems:
        raise ConfigError(problems)
