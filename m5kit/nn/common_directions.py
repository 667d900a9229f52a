"""Directions in which the modalities of an item agree: canonical correlation of several sets, in closed form."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

RIDGE = 0.01
"""Of a modality's whole variance, added to each of its directions: what few items show by chance must not look common.
Chosen on sets of invented products that no table reports; from 0.003 to 0.03 little changes."""

DEEPEST = 200
"""Principal directions of a modality that are looked at; with more, a thousand items are told apart by chance."""


class CommonDirections(nn.Module):
    """Maps fixed vectors of several modalities into one space of what they have in common.

    Fixed statistics hold everything about their input, mostly what is different in each photo or wording. What two
    modalities of one item both show (a hue in photo and video, a brand in title and table) is a small part of it. Each
    modality is whitened, and the directions are those of the largest correlations between modalities; a direction that
    two of them share has next to nothing of the others in it. The coordinates count by the root of their correlation.

    Args:
        widths: of the vectors, by modality, two or more of them.
        directions: how many are kept at most.

    Attributes:
        width: of the common vectors.

    Source: Kettenring, Canonical Analysis of Several Sets of Variables (Biometrika 1971), the sum of correlations with
        whitened sets; its ridge as in Vinod (1976).
    """

    fitted: Tensor

    def __init__(self, *, widths: Mapping[str, int], directions: int) -> None:
        super().__init__()
        self.modalities = tuple(sorted(widths))
        self.width = directions
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))
        for m in self.modalities:
            self.register_buffer(f"centre_{m}", torch.zeros(widths[m]))
            self.register_buffer(f"map_{m}", torch.zeros(widths[m], directions))

    @torch.no_grad()
    def fit(self, vectors: Mapping[str, Tensor], rows: Mapping[str, Tensor], items: int) -> None:
        """Find the directions; nothing is found where no two modalities occur together.

        Args:
            vectors: by modality, ``p w`` of the training items that have it; one that nobody has may be missing.
            rows: by modality, the numbers ``p`` of those items.
            items: how many items there are.
        """
        white, maps = {}, {}
        names = [m for m in self.modalities if m in vectors]
        for m in names:
            known = vectors[m].double()
            centre = known.mean(0)
            maps[m] = _whitening(known - centre)
            getattr(self, f"centre_{m}").copy_(centre)
            # Absent items are zeros, as if they were usual: they add nothing to any correlation.
            empty = known.new_zeros(items, maps[m].shape[1])
            white[m] = empty.index_copy(0, rows[m], (known - centre) @ maps[m])
        self.fitted.fill_(True)
        if not white:
            return
        strengths, directions = _agreements(white, rows)
        strengths, directions = strengths[: self.width], directions[:, : self.width]
        parts = directions.split([white[m].shape[1] for m in names])
        for m, part in zip(names, parts, strict=True):
            found = maps[m] @ part * strengths.clamp(min=0).sqrt()
            getattr(self, f"map_{m}")[:, : found.shape[1]] = found.float()

    def forward(self, vectors: Mapping[str, Tensor], confidence: Mapping[str, Tensor]) -> Tensor:
        """Unit vectors ``b k`` of what modalities have in common; zeros for an item that has none of them.

        Args:
            vectors: by modality, ``b w`` as they were fitted; one that nobody has may be a missing key.
            confidence: by each modality, ``b``, how much it counts; 0 where absent.
        """
        anybody = next(iter(confidence.values()))
        total = torch.zeros(anybody.shape[0], self.width, device=self.fitted.device)
        for m in self.modalities:
            if m in vectors:
                centred = vectors[m].float() - getattr(self, f"centre_{m}")
                total = total + confidence[m][:, None] * (centred @ getattr(self, f"map_{m}"))
        return normalize(total, dim=-1) if vectors else total


def _agreements(white: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Correlations ``k``, the largest first, and their directions ``w k``, those of the modalities below each other."""
    blocks = []
    for one in white:
        row = []
        for other in white:
            there = torch.isin(rows[one], rows[other]).sum().clamp(min=1)
            cross = white[one].T @ white[other] / there
            # Of a modality with itself nothing: only what another one shows as well is common.
            row.append(torch.zeros_like(cross) if one == other else cross)
        blocks.append(torch.cat(row, dim=1))
    strengths, directions = torch.linalg.eigh(torch.cat(blocks))
    return strengths.flip(0), directions.flip(1)


def _whitening(centred: Tensor) -> Tensor:
    """``w q``: principal directions of ``n w``, divided by their deviation and the ridge."""
    _, lengths, directions = torch.linalg.svd(centred, full_matrices=False)
    variance = lengths.square() / len(centred)
    kept = int((lengths > 1e-6 * lengths[0].clamp(min=1e-12)).sum().clamp(max=DEEPEST))
    whitening: Tensor = directions[:kept] / (variance[:kept] + RIDGE * variance.sum()).sqrt()[:, None]
    return whitening.T
