"""One stream: a transformer over the tokens of all modalities and one token that stands for the item."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from m5kit.fusions.base import Fusion, presence, stack_summaries
from m5kit.nn.joint import JointSequence
from m5kit.nn.pooling import weighted_sum
from m5kit.nn.transformer import FUSION_SHAPE, TransformerShape, TransformerStack
from m5kit.ranges import Count
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
    task trains it; of the usual ones ``matching`` and ``completion`` read it.

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
        dim: Count,
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
        present = presence(self, tokens, weights)
        summaries = stack_summaries(self, tokens, present)
        item = Tokens((self.fused + weighted_sum(summaries, weights))[:, None], _has_tokens(tokens, weights.shape[0]))
        marked = {}
        for column, name in enumerate(self.modalities):
            if name in tokens:
                marked[name] = Tokens(tokens[name].values + self.kinds[column], tokens[name].lengths)
        item, *mixed = self._mix([item, *marked.values()])
        fused = dict(zip(marked, mixed, strict=True))
        pooled = stack_summaries(self, fused, present)
        return Fused(fused, pooled, item.summary, weights)

    def _mix(self, parts: Sequence[Tokens]) -> list[Tokens]:
        lengths = torch.stack([part.lengths for part in parts], dim=1)
        joint = JointSequence.of(lengths, [part.values.shape[1] for part in parts], parts[0].values.device)
        values = self.dropout(joint.pack([part.values for part in parts]))
        mixed = joint.split(self.stack.transform(joint.join(values), joint.packing))
        return [Tokens(values, part.lengths) for values, part in zip(mixed, parts, strict=True)]


def _has_tokens(tokens: Mapping[str, Tokens], items: int) -> Tensor:
    """1 for an item that has any modality, 0 for one that has none; ``b`` on the host."""
    longest = torch.zeros(items, dtype=torch.int64)
    for each in tokens.values():
        longest = longest.maximum(each.lengths)
    return longest.clamp(max=1)
