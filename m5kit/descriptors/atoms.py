"""Descriptors that count the atoms of a learned dictionary beside what they measure without learning."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from m5kit.descriptors.base import Descriptor
from m5kit.nn.patch_dictionary import PatchDictionary
from m5kit.nn.reduction import Reduction
from m5kit.structures import Inputs

PIECES = 64
"""Patches of a picture or a sound that a dictionary learns from."""
KEPT = 128
"""Principal directions that are kept of how often each atom occurs, in the whole and in its regions."""


class AtomDescriptor(Descriptor):
    """Plain statistics, and, where it has a dictionary, two more blocks: which atoms occur, and in which region.

    They are a spatial pyramid: the whole, where positions mean nothing, and its regions, where they do.

    Args:
        blocks: widths of the plain blocks.
        shares: how much each of them counts.
        dictionary: of patches; None for none.
        regions: in how many regions atoms are counted.
        share: how much the whole counts, and how much its regions.

    Source: Lazebnik, Schmid, Ponce, Beyond Bags of Features: Spatial Pyramid Matching (CVPR 2006).
    """

    def __init__(
        self,
        *,
        blocks: Sequence[int],
        shares: Sequence[float],
        dictionary: PatchDictionary | None,
        regions: int,
        share: float,
    ) -> None:
        if dictionary is not None:
            blocks, shares = [*blocks, KEPT, KEPT], [*shares, share, share]
        super().__init__(blocks=blocks, shares=shares)
        self.dictionary = dictionary
        if dictionary is not None:
            # Every atom has an opposite.
            self.counted = (2 * len(dictionary.filters), 2 * len(dictionary.filters) * regions)
            self.whole, self.regions = (Reduction(width=width, kept=KEPT) for width in self.counted)

    @abstractmethod
    def maps(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Maps ``n c h w`` that are looked for atoms, and how many patches each has from the first, ``n``."""

    @property
    def studies(self) -> bool:
        """Whether it has a dictionary."""
        return self.dictionary is not None

    def pieces(self, inputs: Inputs) -> Tensor:
        """Patches ``q d`` from places all over the inputs."""
        assert self.dictionary is not None
        maps, places = self.maps(inputs)
        generator = torch.Generator().manual_seed(0)
        chosen = (torch.rand(len(maps), PIECES, generator=generator) * places[:, None]).long().to(maps.device)
        rows = torch.arange(len(maps), device=maps.device)[:, None]
        return self.dictionary.patches(maps)[rows, chosen].flatten(0, 1)

    def study(self, pieces: Tensor) -> None:
        """Learn the atoms."""
        assert self.dictionary is not None
        self.dictionary.learn(pieces)

    def learn(self, measured: Tensor) -> Tensor:
        """Beside what is usual, the directions in which the occurrences of atoms differ most."""
        if self.dictionary is not None:
            plain, whole, regions = measured.split([measured.shape[1] - sum(self.counted), *self.counted], dim=1)
            self.whole.learn(whole)
            self.regions.learn(regions)
            measured = torch.cat([plain, self.whole(whole), self.regions(regions)], dim=1)
        return super().learn(measured)

    def vectors(self, measured: Tensor) -> Tensor:
        """Unit vectors ``n w`` of raw numbers, of which there are more or fewer before a corpus is known."""
        return super().vectors(F.pad(measured, (0, self.width - measured.shape[1])))

    def occurrences(self, means: Tensor) -> list[Tensor]:
        """The last two blocks' numbers ``n k``.

        Args:
            means: how far each atom, and its opposite, is shown in the mean of each region, ``n r 2k``.
        """
        # The root, as of histograms: that an atom occurs at all says more than how often.
        return [self.whole(means.mean(1).sqrt()), self.regions(means.flatten(1).sqrt())]
