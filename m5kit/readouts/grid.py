"""Where things are: tokens averaged into a small grid."""

import torch
from torch import Tensor

from m5kit.nn.pooling import group_means, segment_means
from m5kit.ranges import Count
from m5kit.readouts.base import Layout, Readout
from m5kit.registry import READOUTS
from m5kit.structures import Tokens


@READOUTS.register_module("grid")
class GridReadout(Readout):
    """The means of the tokens in each cell of a grid, side by side (a spatial pyramid of one level).

    Tokens that stand in rows and columns are averaged by place, over all frames of a clip. A plain sequence is cut into
    stretches of equal length instead. Both keep what the mean throws away: where, or when, something is.

    Args:
        dim: width d of the tokens.
        layout: rows and columns of the tokens; None for a sequence.
        side: cells along a side of the grid.
        segments: stretches of a sequence.
    """

    def __init__(self, *, dim: Count, layout: Layout = None, side: Count = 3, segments: Count = 4) -> None:
        super().__init__()
        self.layout = layout
        self.side, self.segments = side, segments
        self.width = dim * (segments if layout is None else side**2)

    def forward(self, tokens: Tokens) -> Tensor:
        """``b gd`` for g cells."""
        # Without the summary token, which stands at no place.
        observed, lengths = tokens.values[:, 1:], (tokens.lengths - 1).clamp(min=0)
        if self.layout is None:
            return segment_means(observed, lengths, self.segments).flatten(1)
        # On the host, where the lengths are; only the finished cell numbers travel to the device.
        steps = torch.arange(observed.shape[1])
        cells = grid_cells(steps, self.layout, self.side).expand(lengths.shape[0], -1)
        # Group -1 is in no mean, so padding is not averaged.
        groups = torch.where(steps < lengths[:, None], cells, -1)
        return group_means(observed, groups, self.side**2).flatten(1)


def grid_cells(steps: Tensor, layout: tuple[int, int], side: int) -> Tensor:
    """The cell of each token of a layout of rows and columns, row by row, frame after frame.

    Example:
        >>> grid_cells(torch.arange(8), (2, 2), 2)
        tensor([0, 1, 2, 3, 0, 1, 2, 3])
    """
    rows, columns = layout
    place = steps % (rows * columns)
    # Multiplied before the division: cells then differ by one row at most where the side does not divide the rows.
    row, column = place // columns * side // rows, place % columns * side // columns
    return row * side + column
