"""One public vector a modality: what is read off its tokens, beside fixed statistics of its raw input."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from m5kit.api import Descriptor, Encoder, Inputs, Observation, Readout, Tokens
from m5kit.readouts.summary import SummaryReadout


class PublicVectors(nn.Module):
    """Reads and describes modalities; both halves have unit length, so neither drowns the other.

    The vector lies before the contrastive head, because a head throws away what its loss does not ask for (SimCLR,
    ICML 2020, section 4.2).

    Args:
        encoders: by modality; they are not kept.
        readouts: by modality; the summary token is read where there is none.
        descriptors: by modality; only of those that have one.
        width: of what is left of each reading, after a learned linear map; None leaves readings as they are.

    Attributes:
        widths: w of the vectors, by modality.
    """

    def __init__(
        self,
        *,
        encoders: Mapping[str, Encoder],
        readouts: Mapping[str, Readout],
        descriptors: Mapping[str, Descriptor],
        width: int | None = None,
    ) -> None:
        super().__init__()
        names = sorted(encoders)
        read = {m: readouts[m] if m in readouts else SummaryReadout(dim=encoders[m].dim) for m in names}
        self.readouts = cast(Mapping[str, Readout], nn.ModuleDict(read))
        self.descriptors = cast(Mapping[str, Descriptor], nn.ModuleDict(dict(sorted(descriptors.items()))))
        self.reductions = nn.ModuleDict({m: nn.Linear(read[m].width, width) for m in names if width is not None})
        self.widths = {}
        for m in names:
            beside = descriptors[m].width if m in descriptors else 0
            self.widths[m] = (read[m].width if width is None else width) + beside

    def describe(self, modality: str, observation: Observation, inputs: Inputs) -> Observation:
        """Add the fixed statistics of the inputs ``p`` to what was observed of them."""
        if modality not in self.descriptors:
            return observation
        return replace(observation, described=self.descriptors[modality](inputs))

    def forward(self, modality: str, tokens: Tokens, described: Tensor | None, rows: Tensor) -> Tensor:
        """Vectors ``b w`` of tokens ``b 1+l d`` and of statistics ``p v`` of the items in ``rows`` (``p``, host)."""
        read = self.readouts[modality](tokens).float()
        if modality in self.reductions:
            absent = (tokens.lengths == 0)[:, None].to(read.device, non_blocking=True)
            read = self.reductions[modality](read).float().masked_fill(absent, 0.0)
        read = normalize(read, dim=1)
        if described is None:
            return read
        beside = read.new_zeros(len(read), described.shape[1])
        beside = beside.index_copy(0, rows.to(beside.device, non_blocking=True), described.to(beside.dtype))
        return torch.cat([read, beside], dim=1)
