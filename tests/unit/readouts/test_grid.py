import torch

from m5kit.readouts.grid import GridReadout
from m5kit.structures import Tokens


def _tokens(observed, lengths):
    values = torch.cat([torch.full((len(observed), 1, observed.shape[2]), 99.0), observed], dim=1)
    return Tokens(values, torch.tensor(lengths))


def test_places_are_averaged_over_frames():
    observed = torch.tensor([1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 5.0, 6.0]).view(1, 8, 1)
    readout = GridReadout(dim=1, layout=(2, 2), side=2)
    assert readout(_tokens(observed, [9])).tolist() == [[2.0, 3.0, 4.0, 5.0]]
    assert readout(_tokens(observed, [5])).tolist() == [[1.0, 2.0, 3.0, 4.0]]  # one frame is real


def test_a_finer_layout_is_averaged_into_cells():
    observed = torch.arange(16.0).view(1, 16, 1)
    assert GridReadout(dim=1, layout=(4, 4), side=2)(_tokens(observed, [17])).tolist() == [[2.5, 4.5, 10.5, 12.5]]


def test_a_sequence_is_cut_into_stretches():
    observed = torch.arange(8.0).view(1, 8, 1)
    readout = GridReadout(dim=1, segments=2)
    assert readout(_tokens(observed, [9])).tolist() == [[1.5, 5.5]]
    assert readout(_tokens(observed, [5])).tolist() == [[0.5, 2.5]]


def test_a_sequence_shorter_than_the_grid_leaves_no_stretch_empty():
    assert GridReadout(dim=1, segments=4)(_tokens(torch.tensor([[[7.0]]]), [2])).tolist() == [[7.0] * 4]
