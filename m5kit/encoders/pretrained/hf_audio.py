"""Sound through networks of Hugging Face transformers that take samples: Wav2Vec2, HuBERT, WavLM, data2vec ..."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, pad
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from m5kit.encoders.pretrained.base import PretrainedEncoder, Target, TokenOptions
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.packing import is_padded_layout
from m5kit.nn.pooling import length_mean
from m5kit.nn.pretrained.tuning import Pretrained, Tuning
from m5kit.nn.pretrained.weights import Weights, load_network, load_processor
from m5kit.ranges import Count
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation


@ENCODERS.register_module("hf_audio")
class HFAudio(PretrainedEncoder):
    """A waveform network of transformers; a task hides stretches of samples, which the transform ``waveform`` cuts.

    The network's own tokens (about fifty a second) are averaged to one a stretch. Sounds of equal length go through it
    together, without padding: these networks let padding change their output.

    Args:
        dim: width d of the tokens.
        rate: samples a second of the data; must be the checkpoint's.
        chunk: samples of a stretch.
        weights: a local folder, a hub name, or a config with ``model_type`` that begins at random.
        tuning: how the network is trained (``trainable``, ``layer_decay``, ``rate_scale``, ``checkpointing``).
        tokens: what a task may hide and what comes out (``hides``, ``output``, ``mixing``, ``heads``).
        target: what is predicted of a hidden stretch: the ``input``, or what a frozen ``network`` makes of it.
    """

    def __init__(
        self,
        *,
        dim: Count,
        rate: Count,
        chunk: Count,
        weights: Weights,
        tuning: Tuning = Tuning(),
        tokens: TokenOptions = TokenOptions(),
        target: Target = "input",
    ) -> None:
        network: Any = load_network(weights, "hf_audio").complete(weights, "hf_audio")
        extractor = load_processor("AutoFeatureExtractor", weights, "hf_audio")
        _check(network, extractor, rate, chunk)
        _fold_weight_norms(network)
        network.config.apply_spec_augment = False  # what is hidden is the task's business
        network.config.layerdrop = 0.0
        backbone = Pretrained(network, tuning)
        super().__init__(
            dim=dim,
            width=network.config.hidden_size,
            backbone=backbone,
            tokens=tokens,
            target=target,
        )
        self.chunk = chunk
        self.normalizes = bool(getattr(extractor, "do_normalize", True))

    def cut(self, inputs: Inputs) -> Observation:
        """Stretches ``p l chunk`` as they are or, if the checkpoint wants it, with mean 0 and variance 1 an item.

        Raises:
            ContractError: the stretches have another length.
        """
        if inputs.values.shape[-1] != self.chunk:
            raise ContractError(f"hf_audio was built for stretches of {self.chunk}, got {inputs.values.shape[-1]}")
        if not self.normalizes:
            return Observation(inputs.values, inputs.lengths)
        mean = length_mean(inputs.values.mean(2, keepdim=True), inputs.lengths)[:, None]
        spread = length_mean((inputs.values - mean).square().mean(2, keepdim=True), inputs.lengths)[:, None]
        # 1e-7 as in the feature extractor of transformers, so that the network sees what it was trained on.
        return Observation((inputs.values - mean) / (spread + 1e-7).sqrt(), inputs.lengths)

    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Summary ``p c``, the mean over the sound, and tokens ``p l c``.

        Raises:
            ContractError: the groups cannot be recorded in a graph.
        """
        if is_padded_layout():
            raise ContractError(
                "hf_audio groups sounds by their length, because padding changes what its network gives"
            )
        values, lengths = observation.values, observation.lengths
        tokens = values.new_zeros(*values.shape[:2], self.width)
        for rows, size in _equals(lengths):
            there = rows.to(values.device, non_blocking=True)
            output = self.backbone(input_values=values[there, :size].flatten(1)).last_hidden_state
            aligned = adaptive_avg_pool1d(output.mT.float(), size).mT
            full = pad(aligned, (0, 0, 0, values.shape[1] - size))
            tokens = tokens.index_copy(0, there, full)
        return length_mean(tokens, lengths), tokens

    @classmethod
    def example(cls) -> tuple["HFAudio", Inputs]:
        """A one-layer HuBERT that begins at random, and three sounds."""
        weights = {
            "model_type": "hubert",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "conv_dim": [8, 8],
            "conv_stride": [4, 4],
            "conv_kernel": [4, 4],
            "num_feat_extract_layers": 2,
            "num_conv_pos_embeddings": 4,
            "num_conv_pos_embedding_groups": 2,
        }
        encoder = cls(dim=12, rate=16_000, chunk=64, weights=weights, tuning=Tuning(trainable="all"))
        return encoder, Inputs(torch.randn(3, 6, 64), torch.tensor([6, 2, 4]))


def _equals(lengths: Tensor) -> Iterator[tuple[Tensor, int]]:
    """Rows of equal length, and that length; empty ones are left out."""
    for size in sorted(set(lengths.tolist()) - {0}):
        yield (lengths == size).nonzero().squeeze(1), size


def _fold_weight_norms(network: Any) -> None:
    """Parametrised weights cannot be sent to another process."""
    for module in network.modules():
        if is_parametrized(module, "weight"):
            remove_parametrizations(module, "weight")
            module._load_state_dict_pre_hooks.clear()  # it translates older names of the norm that is gone


def _check(network: Any, extractor: Any, rate: int, chunk: int) -> None:
    problems = []
    wanted = getattr(extractor, "sampling_rate", rate)
    if rate != wanted:
        problems.append(
            f"hf_audio: the checkpoint takes {wanted} samples a second, the data's transform makes {rate}; set "
            f"transform.rate: {wanted}"
        )
    if not hasattr(network, "_get_feat_extract_output_lengths"):
        problems.append(f"hf_audio: {type(network).__name__} does not take samples; use hf_spectrogram")
    elif int(network._get_feat_extract_output_lengths(torch.tensor(chunk, device="cpu"))) < 1:
        problems.append(f"hf_audio: a stretch of {chunk} samples is too short for the network; raise transform.chunk")
    if problems:
        raise ConfigError(problems)
