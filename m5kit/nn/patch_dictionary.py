"""A dictionary of the pieces that pictures and sounds are made of, learned without labels and without gradients."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.functional import normalize

ROUNDS = 10
"""Of the clustering; the atoms hardly move after five."""
RIDGE = 0.03
"""Of the mean variance of a patch, added to that of each of its directions: those without any hold only noise."""
THRESHOLD = 1.0
"""Deviations of a whitened patch below which it does not show an atom; from 0.25 to 1 little changes."""


def shown(products: Tensor) -> tuple[Tensor, Tensor]:
    """How far patches show each atom, and how far its opposite, of products of any shape."""
    # in place of what was just made: the maps of all atoms are large
    return products.clamp(min=THRESHOLD).sub_(THRESHOLD), products.clamp(max=-THRESHOLD).neg_().sub_(THRESHOLD)


class PatchDictionary(nn.Module):
    """Tells of every place of a map how far the patch there is like each atom.

    Patches are whitened. The atoms are the directions around which they gather (spherical k-means), and a patch shows
    an atom, or its opposite, by what their product exceeds a threshold (:func:`shown`). On small sets such features
    tell more than a network that was trained on them.

    Args:
        channels: of the maps.
        patch: height and width of a patch.
        atoms: how many the dictionary holds, k.
        stride: steps from one patch to the next, down and across.

    Source: Coates, Ng, Lee, An Analysis of Single-Layer Networks in Unsupervised Feature Learning (AISTATS 2011); soft
        thresholds of both signs as in Coates, Ng, The Importance of Encoding Versus Training (ICML 2011).
    """

    filters: Tensor
    offset: Tensor

    def __init__(self, *, channels: int, patch: tuple[int, int], atoms: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.patch, self.stride = patch, stride
        # Whitening and atoms in one: a dictionary that knows nothing yet shows nothing.
        self.register_buffer("filters", torch.zeros(atoms, channels, *patch))
        self.register_buffer("offset", torch.zeros(atoms))

    def forward(self, maps: Tensor) -> Tensor:
        """Products of the whitened patches and the atoms, ``n k h' w'``, of ``n c h w``; at least one place a side."""
        # In float32 also under autocast: what is fitted on the host must be the same wherever it is read.
        with torch.autocast(maps.device.type, enabled=False):
            return F.conv2d(self._fill_up(maps).float(), self.filters, self.offset, self.stride)

    def places(self, steps: Tensor, axis: int = 0) -> Tensor:
        """How many patches begin one after the other within so many ``steps`` down, or across; at least one."""
        return ((steps - self.patch[axis]) // self.stride[axis] + 1).clamp(min=1)

    def patches(self, maps: Tensor) -> Tensor:
        """All patches ``n p d`` of ``n c h w``, row by row."""
        return F.unfold(self._fill_up(maps).float(), self.patch, stride=self.stride).transpose(1, 2)

    @torch.no_grad()
    def learn(self, patches: Tensor) -> None:
        """Find the atoms.

        Args:
            patches: ``q d`` of the corpus.
        """
        centre = patches.mean(0)
        variances, directions = torch.linalg.eigh((patches - centre).T @ (patches - centre) / len(patches))
        spread = (variances.clamp(min=0) + RIDGE * variances.mean()).clamp(min=torch.finfo().tiny).rsqrt()
        whitening = directions * spread @ directions.T
        filters = _spherical_means((patches - centre) @ whitening, len(self.filters)) @ whitening
        self.filters.copy_(filters.view_as(self.filters))
        self.offset.copy_(-filters @ centre)

    def _fill_up(self, maps: Tensor) -> Tensor:
        height, width = (max(0, wanted - has) for wanted, has in zip(self.patch, maps.shape[-2:], strict=True))
        return F.pad(maps, (0, width, 0, height)) if height or width else maps


def _spherical_means(points: Tensor, count: int) -> Tensor:
    """Unit vectors ``k d`` around which the ``q d`` points gather, whatever their sign."""
    # To begin with, points from all over the corpus; too few are repeated.
    means = normalize(points[torch.arange(count) * len(points) // count], dim=1)
    for _ in range(ROUNDS):
        likeness = points @ means.T
        nearest = likeness.abs().argmax(1)
        sums = torch.zeros_like(means).index_add_(0, nearest, likeness.gather(1, nearest[:, None]) * points)
        # A mean without any point stays where it is.
        means = torch.where(sums.norm(dim=1, keepdim=True) > 0, normalize(sums, dim=1), means)
    return means
