import pytest
import torch

from m5kit.errors import UnknownComponentError
from m5kit.readouts.grid import GridReadout
from m5kit.readouts.joined import JoinedReadout
from m5kit.readouts.moments import MomentsReadout
from m5kit.structures import Tokens


def test_parts_stand_side_by_side():
    tokens = Tokens(torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([9, 5]))
    joined = JoinedReadout(dim=4, layout=(2, 2))
    grid, moments = GridReadout(dim=4, layout=(2, 2)), MomentsReadout(dim=4)
    assert joined.width == moments.width + grid.width
    assert torch.equal(joined(tokens), torch.cat([moments(tokens), grid(tokens)], dim=1))


def test_an_unknown_part_is_named():
    with pytest.raises(UnknownComponentError, match="did you mean 'moments'"):
        JoinedReadout(dim=4, parts=["moment"])
