"""The differences between the spectrogram networks of transformers: their inputs and their tokens."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from m5kit.nn.pretrained.tuning import Pretrained


class Family(ABC):
    """How one kind of network reads a spectrogram and returns tokens along time."""

    def problems(self, config: Any, mels: int, steps: int) -> list[str]:
        """A sentence for each size that the network was not made for."""
        wanted = {"mels": config.num_mel_bins, "steps": self.steps(config)}
        given = {"mels": mels, "steps": steps}
        problems = []
        for name, want in wanted.items():
            if want not in (None, given[name]):
                problems.append(
                    f"hf_spectrogram: the network sees {want} {name}, the data's transform makes {given[name]}; use "
                    "the transform hf_spectrogram with the same weights"
                )
        return problems

    @abstractmethod
    def steps(self, config: Any) -> int | None:
        """Time steps of the window; None if any will do."""

    def silence(self, values: Tensor, real: Tensor, extractor: Any) -> Tensor:
        """The value ``p`` that stands for silence beside the ``real`` steps of ``p t mels``."""
        return values.new_zeros(values.shape[0])

    @abstractmethod
    def encode(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        """Summary ``p c``, if the network has one of its own, and tokens ``p t c`` of ``p steps mels``."""


class AST(Family):
    """Audio Spectrogram Transformer: overlapping patches, averaged over the bands."""

    def steps(self, config: Any) -> int | None:
        return int(config.max_length)

    def silence(self, values: Tensor, real: Tensor, extractor: Any) -> Tensor:
        level = -extractor.mean / (2 * extractor.std) if getattr(extractor, "do_normalize", False) else 0.0
        return values.new_full((values.shape[0],), level)

    def encode(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        config = network.network.config
        output = network(input_values=window)
        bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1  # type: ignore[union-attr, operator]
        tokens = output.last_hidden_state[:, 2:].unflatten(1, (bands, -1)).mean(1)
        return output.pooler_output, tokens


class Whisper(Family):
    """Whisper's encoder: bands first, two steps a token."""

    def steps(self, config: Any) -> int | None:
        return 2 * int(config.max_source_positions)

    def silence(self, values: Tensor, real: Tensor, extractor: Any) -> Tensor:
        loudest = values.masked_fill(~real[..., None], -torch.inf).amax((1, 2))
        return torch.where(loudest.isfinite(), loudest - 2, 0.0)  # eighty decibels, a quarter a bel

    def encode(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        return None, network(window.mT).last_hidden_state


class Clap(Family):
    """CLAP's audio tower: a map of bands and time, averaged over the bands."""

    def steps(self, config: Any) -> int | None:
        return None

    def encode(self, network: Pretrained, window: Tensor) -> tuple[Tensor | None, Tensor]:
        fused = network.network.config.enable_fusion  # type: ignore[union-attr]
        given = window[:, None].expand(-1, 4 if fused else 1, -1, -1)
        short = torch.zeros(window.shape[0], 1, dtype=torch.bool, device=window.device) if fused else None
        output = network(input_features=given, is_longer=short)
        return output.pooler_output, output.last_hidden_state.mean(2).mT


FAMILIES: dict[str, type[Family]] = {
    "audio-spectrogram-transformer": AST,
    "whisper": Whisper,
    "clap_audio_model": Clap,
}
