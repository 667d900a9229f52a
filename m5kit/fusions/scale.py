"""SCALE's Joint Co-Transformer: one transformer over the tokens of all modalities."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError, ContractError
from m5kit.fusions.base import Fusion, presence, stack_summaries
from m5kit.nn.joint import JointSequence
from m5kit.nn.pooling import weighted_sum
from m5kit.nn.transformer import FUSION_SHAPE, TransformerShape, TransformerStack
from m5kit.ranges import Count
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens


@FUSIONS.register_module("scale")
class ScaleFusion(Fusion):
    """Self-attention over the concatenation of all real tokens (SCALE, CVPR 2022, section 4.1).

    Tokens of absent modalities are not in the sequence, so they cost nothing and nobody attends to them. A learned
    position (within the modality) and a learned modality vector are added; pre-norm blocks with QuickGELU follow. A
    modality's pooled vector is its first token, the embedding their mean by ``weights``.

    Args:
        modalities: the m columns.
        dim: width d.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).
        positions: the longest sequence of one modality, summary token counted.
        modality_embedding: False leaves the modality vector out, as the authors' code does.
        pooling: ``mean`` by weights, or ``sum``, the plain sum of the authors' code.
        packed: False computes the padding too, as a reference.

    Raises:
        ConfigError: ``pooling`` is neither.
    """

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        dim: Count,
        shape: TransformerShape = FUSION_SHAPE,
        positions: Count = 512,
        modality_embedding: bool = True,
        pooling: str = "mean",
        packed: bool = True,
    ) -> None:
        super().__init__()
        if pooling not in ("mean", "sum"):
            raise ConfigError([f"no pooling is named {pooling!r}; choose 'mean' or 'sum'"])
        self.modalities = tuple(modalities)
        self.dim = dim
        self.pooling = pooling
        self.positions = nn.Parameter(torch.empty(positions, dim))
        self.kinds = nn.Parameter(torch.empty(len(self.modalities), dim)) if modality_embedding else None
        self.dropout = nn.Dropout(shape.dropout)
        self.stack = TransformerStack(dim=dim, **shape.arguments, activation="quick_gelu", packed=packed)
        for table in (self.positions, self.kinds):
            if table is not None:
                nn.init.trunc_normal_(table, std=0.02)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        present = presence(self, tokens, weights)
        fused = self._mix(tokens, weights.device) if tokens else {}
        pooled = stack_summaries(self, fused, present)
        if self.pooling == "sum":
            # The plain sum ignores the weights, so the shares that are reported are equal.
            return Fused(fused, pooled, pooled.sum(1), present / present.sum(1, keepdim=True).clamp(min=1))
        return Fused(fused, pooled, weighted_sum(pooled, weights), weights)

    def _mix(self, tokens: Mapping[str, Tokens], device: torch.device) -> dict[str, Tokens]:
        lengths, sizes, embedded = {}, [], []
        for name in self.modalities:
            if name in tokens:
                lengths[name] = tokens[name].lengths
                sizes.append(tokens[name].values.shape[1])
                embedded.append(self._embed(name, tokens[name].values))
        joint = JointSequence.of(torch.stack(list(lengths.values()), dim=1), sizes, device)
        # Only real tokens are joined and attended to, so a missing modality costs nothing.
        packed = self.dropout(joint.pack(embedded))
        mixed = joint.split(self.stack.transform(joint.join(packed), joint.packing))
        fused = {}
        for name, values in zip(lengths, mixed, strict=True):
            fused[name] = Tokens(values, lengths[name])
        return fused

    def _embed(self, name: str, values: Tensor) -> Tensor:
        size = values.shape[1]
        if size > len(self.positions):
            raise ContractError(
                f"{name} has {size} tokens an item, the fusion knows {len(self.positions)} positions; "
                f"set fusion.positions to {size} or more, or shorten that modality"
            )
        values = values + self.positions[:size]
        return values if self.kinds is None else values + self.kinds[self.modalities.index(name)]
