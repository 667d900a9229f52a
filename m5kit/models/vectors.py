"""One public vector a modality: what is read off its tokens, beside fixed statistics of its raw input."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from m5kit.api import Descriptor, Encoder, Inputs, Observation, Readout, Tokens
from m5kit.nn.common_directions import CommonDirections
from m5kit.nn.initial import own_weights
from m5kit.nn.residual import ResidualVector
from m5kit.readouts.summary import SummaryReadout


class PublicVectors(nn.Module):
    """Reads and describes modalities; both halves have unit length, so neither drowns the other.

    Where an encoder has a given vector (a pretrained tower's own, or the mean of given features), heads read that one
    with what is read of the tokens added from zero. Users read the given one itself: whatever training does to the
    addition, nothing that was given is lost.

    The vector lies before the contrastive head, because a head throws away what its loss does not ask for (SimCLR,
    ICML 2020, section 4.2).

    Args:
        encoders: by modality; they are not kept.
        readouts: by modality; the summary token is read where there is none.
        descriptors: by modality; only of those that have one.
        width: of what is left of each reading, after a learned linear map; None leaves readings as they are.
        common: how many directions are kept in which the statistics of modalities agree; None for none.

    Attributes:
        widths: w of the vectors, by modality.
        common: what statistics of several modalities have in common; None if nobody asks or fewer than two have any.
    """

    def __init__(
        self,
        *,
        encoders: Mapping[str, Encoder],
        readouts: Mapping[str, Readout],
        descriptors: Mapping[str, Descriptor],
        width: int | None = None,
        common: int | None = None,
    ) -> None:
        super().__init__()
        names = sorted(encoders)
        read: dict[str, Readout] = {}
        for m in names:
            read[m] = readouts[m] if m in readouts else SummaryReadout(dim=encoders[m].dim)
        self.readouts = cast(Mapping[str, Readout], nn.ModuleDict(read))
        self.descriptors = cast(Mapping[str, Descriptor], nn.ModuleDict(dict(sorted(descriptors.items()))))
        self.residuals, self.reductions, self.widths = nn.ModuleDict(), nn.ModuleDict(), {}
        for m in names:
            self.widths[m] = descriptors[m].width if m in descriptors else 0
            with own_weights(f"vector_{m}"):
                self.widths[m] += self._add_maps(m, encoders[m].given, read[m].width, width)

        # A given vector must stay what users read: nothing of its modality is told in another way.
        free = {m: part.width for m, part in descriptors.items() if not encoders[m].given}
        self.common = CommonDirections(widths=free, directions=common) if common and len(free) > 1 else None

    def _add_maps(self, modality: str, given: int, read: int, width: int | None) -> int:
        """Make the learned map of a modality's reading, if it has one; returns the width of what users read of it."""
        if given:
            self.residuals[modality] = ResidualVector(given=given, learned=read)
            return given
        if width is None:
            return read
        self.reductions[modality] = nn.Linear(read, width)
        return width

    def describe(self, modality: str, observation: Observation, inputs: Inputs) -> Observation:
        """Add the fixed statistics of the inputs ``p`` to what was observed of them."""
        if modality not in self.descriptors:
            return observation
        return replace(observation, described=self.descriptors[modality](inputs))

    def forward(self, modality: str, tokens: Tokens, described: Tensor | None, rows: Tensor) -> Tensor:
        """Vectors ``b w`` of tokens ``b 1+l d`` and of statistics ``p v`` of the items in ``rows`` (``p``, host)."""
        read = normalize(self._read(modality, tokens), dim=1)
        if described is None:
            return read
        beside = described.to(read.dtype)
        if rows.shape[0] != read.shape[0]:
            # Statistics were taken of the p present items; the vectors have a row for each of the b.
            empty = read.new_zeros(read.shape[0], described.shape[1])
            beside = empty.index_copy(0, rows.to(read.device, non_blocking=True), beside)
        return torch.cat([read, beside], dim=1)

    def described(self, modality: str, vectors: Tensor) -> Tensor:
        """The statistics ``b v`` in ``vectors`` (``b w``, as :meth:`forward` gave them)."""
        width = self.descriptors[modality].width if modality in self.descriptors else 0
        return vectors[:, vectors.shape[1] - width :]

    def public(self, modality: str, vectors: Tensor, given: Tensor | None) -> Tensor:
        """What users read of ``vectors`` (``b w``, as :meth:`forward` gave them): ``given`` (``b e``) as it was."""
        if modality not in self.residuals:
            return vectors
        assert given is not None
        return torch.cat([normalize(given.float(), dim=1), vectors[:, given.shape[1] :]], dim=1)

    def _read(self, modality: str, tokens: Tokens) -> Tensor:
        read: Tensor = self.readouts[modality](tokens).float()
        if modality in self.residuals:
            assert tokens.given is not None
            read = self.residuals[modality](tokens.given.float(), read)
        elif modality in self.reductions:
            read = self.reductions[modality](read).float()
        else:
            return read
        # a bias would give absent items a vector
        absent = (tokens.lengths == 0)[:, None].to(read.device, non_blocking=True)
        return read.masked_fill(absent, 0.0)
