"""One stream: a transformer over the tokens of all modalities and one token that stands for the item."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from m5kit.fusions.base import Fusion
from m5kit.nn.joint import JointSequence
from m5kit.nn.pooling import present_columns, stack_columns, weighted_sum
from m5kit.nn.transformer import FUSION_SHAPE, TransformerShape, TransformerStack
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens


@FUSIONS.register_module("one_stream")
class OneStreamFusion(Fusion):
    """One transformer over everything, as in VisualBERT, UNITER and VL-BERT (arXiv 1908.03557, 1909.11740, 1908.08530).

    The sequence of an item is ``[fused; tokens of one modality + its vector; tokens of the next + its vector; ...]``,
    tokens of absent modalities left out, through pre-norm blocks. The embedding is what becomes of the fused token: it
    chooses with attention of its own what it takes from which token. That is the difference from ``scale``, whose
    embedding is a weighted mean of the modalities' first tokens.

    The fused token starts as a learned vector plus the summaries' mean by ``weights``, so it says something before a
    task trains it; of the usual ones only ``matching`` reads it.

    Args:
        modalities: the m columns.
        dim: width d.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).
        packed: False computes the padding too, as a reference.
    """

    def __init__(
        self,
        *,
        modalities: tuple[str, ...],
        dim: int,
        shape: TransformerShape = FUSION_SHAPE,
        packed: bool = True,
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.dim = dim
        self.kinds = nn.Parameter(torch.empty(len(self.modalities), dim))
        self.fused = nn.Parameter(torch.empty(dim))
        self.dropout = nn.Dropout(shape.dropout)
        self.stack = TransformerStack(dim=dim, **shape.arguments, packed=packed)
        for table in (self.kinds, self.fused):
            nn.init.trunc_normal_(table, std=0.02)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        there = present_columns({m: t.lengths for m, t in tokens.items()}, self.modalities, len(weights))
        present = there.to(weights.device, non_blocking=True)
        summaries = stack_columns({m: t.summary for m, t in tokens.items()}, self.modalities, present, self.dim)
        item = Tokens((self.fused + weighted_sum(summaries, weights))[:, None], there.any(1).long())
        names = [name for name in self.modalities if name in tokens]
        told = [Tokens(tokens[m].values + self.kinds[self.modalities.index(m)], tokens[m].lengths) for m in names]
        item, *mixed = self._mix([item, *told])
        fused = dict(zip(names, mixed, strict=True))
        pooled = stack_columns({m: t.summary for m, t in fused.items()}, self.modalities, present, self.dim)
        return Fused(fused, pooled, item.summary, weights)

    def _mix(self, parts: Sequence[Tokens]) -> list[Tokens]:
        lengths = torch.stack([part.lengths for part in parts], dim=1)
        joint = JointSequence.of(lengths, [part.values.shape[1] for part in parts], parts[0].values.device)
        values = self.dropout(joint.pack([part.values for part in parts]))
        mixed = joint.split(self.stack.transform(joint.join(values), joint.packing))
        return [Tokens(values, part.lengths) for values, part in zip(mixed, parts, strict=True)]
