"""One sequence for each item: the real tokens of several sources one after another, without padding between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from m5kit.nn.packing import Packing, is_padded_layout, real_positions


@dataclass(frozen=True, slots=True)
class JointSequence:
    """The plan from the padded grids of the sources to the joint sequence of each item, and back.

    Attributes:
        parts: the positions of the real tokens of each source in its own grid.
        order: their positions in the joint grid, source after source.
        packing: the joint grid, for attention over it.
        counts: how many real tokens each source has in the whole batch.
    """

    parts: tuple[Packing, ...]
    order: Packing
    packing: Packing
    counts: tuple[int, ...]

    @classmethod
    def of(cls, lengths: Tensor, sizes: Sequence[int], device: torch.device | str = "cpu") -> "JointSequence":
        """Make the plan on the host from ``lengths`` ``b m`` and the padded size of each of the m sources.

        Example:
            >>> sequence = JointSequence.of(torch.tensor([[2, 1], [0, 1]]), [2, 1])
            >>> grids = [torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[3.0], [4.0]])]
            >>> sequence.packing.unpack(sequence.join(sequence.pack(grids)))
            tensor([[1., 2., 3.],
                    [4., 0., 0.]])
        """
        parts = tuple(Packing.from_lengths(lengths[:, i], size, device) for i, size in enumerate(sizes))
        if is_padded_layout():
            return PaddedSequence.side_by_side(parts)
        if len(parts) == 1:
            return SingleSequence.alone(parts[0], lengths[:, 0], device)
        packing = Packing.from_lengths(lengths.sum(1), int(lengths.sum(1).max()), device)
        # two plans, because tokens are packed source after source but attended to item after item
        order = Packing.at(joint_positions(lengths, sizes), packing.items, packing.size, device)
        return cls(parts, order, packing, tuple(lengths.sum(0).tolist()))

    def pack(self, grids: Sequence[Tensor]) -> Tensor:
        """``b l ...`` of each source to ``n ...``, source after source."""
        return torch.cat([part.pack(grid) for part, grid in zip(self.parts, grids, strict=True)])

    def join(self, values: Tensor) -> Tensor:
        """``n ...``, source after source, to item after item, as :attr:`packing` counts them."""
        return self.packing.pack(self.order.unpack(values))

    def split(self, values: Tensor) -> list[Tensor]:
        """``n ...``, item after item, to the grid ``b l ...`` of each source, zeros in its padding."""
        found = self.order.pack(self.packing.unpack(values)).split(self.counts)
        return [part.unpack(mine) for part, mine in zip(self.parts, found, strict=True)]


@dataclass(frozen=True, slots=True)
class SingleSequence(JointSequence):
    """The tokens of one source: item after item as they are packed, so nothing is to be joined or split."""

    @classmethod
    def alone(cls, part: Packing, lengths: Tensor, device: torch.device | str) -> "SingleSequence":
        """Make the plan of the plan of the source, whose items have ``lengths`` ``b`` (host)."""
        longest = int(lengths.max())
        packing = part if longest == part.size else Packing.from_lengths(lengths, longest, device)
        return cls((part,), packing, packing, (-1,))

    def join(self, values: Tensor) -> Tensor:
        """``n ...`` as they are."""
        return values

    def split(self, values: Tensor) -> list[Tensor]:
        """``n ...`` to the grid ``b l ...`` of the source, zeros in its padding."""
        return [self.parts[0].unpack(values)]


@dataclass(frozen=True, slots=True)
class PaddedSequence(JointSequence):
    """The grids of the sources side by side, padding and all: no size depends on lengths.

    Attention does not ask where a token stands, so the padding between two sources changes nothing.
    """

    @classmethod
    def side_by_side(cls, parts: tuple[Packing, ...]) -> "PaddedSequence":
        """Make the plan of the plans of the sources, which are padded ones."""
        items, size = parts[0].items, sum(part.size for part in parts)
        real = torch.cat([part.real for part in parts if part.real is not None], dim=1)
        keys = real.clone()
        keys[:, 0] |= ~real.any(dim=1)  # softmax over nothing would give NaN
        packing = Packing(items, size, None, keys[:, None, None], real)
        return cls(parts, packing, packing, tuple(part.items * part.size for part in parts))

    def join(self, values: Tensor) -> Tensor:
        """``n ...``, source after source, to item after item."""
        grids = []
        for part, mine in zip(self.parts, values.split(self.counts), strict=True):
            grids.append(mine.view(part.items, part.size, *mine.shape[1:]))
        return torch.cat(grids, dim=1).flatten(0, 1)

    def split(self, values: Tensor) -> list[Tensor]:
        """``n ...``, item after item, to the grid ``b l ...`` of each source, zeros in its padding."""
        grid = self.packing.unpack(values)
        return list(grid.split([part.size for part in self.parts], dim=1))


def joint_positions(lengths: Tensor, sizes: Sequence[int]) -> Tensor:
    """The position of each token after every item's sources are put one after another; all on the host.

    Args:
        lengths: ``b m``.
        sizes: the padded size of each of the m sources.

    Returns:
        ``n`` flat positions in ``b * lengths.sum(1).max()``, the first source's tokens first.

    Example:
        >>> joint_positions(torch.tensor([[2, 1], [0, 1]]), [2, 1])
        tensor([0, 1, 2, 3])
    """
    starts = lengths.cumsum(1) - lengths
    width = int(lengths.sum(1).max())
    found = []
    for column, size in enumerate(sizes):
        own = real_positions(lengths[:, column], size)
        row = own // max(size, 1)  # a source that no item has is padded to nothing
        found.append(row * width + starts[row, column] + own - row * size)
    return torch.cat(found)
