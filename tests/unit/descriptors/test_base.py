import pytest
import torch

from m5kit.descriptors.base import Descriptor
from m5kit.errors import ContractError
from m5kit.structures import Inputs


class Plain(Descriptor):
    """The values as they are."""

    def measure(self, inputs):
        return inputs.values


def _inputs(values):
    return Inputs(values, torch.full((len(values),), values.shape[1]))


def test_blocks_count_alike_whatever_their_units():
    generator = torch.Generator().manual_seed(0)
    values = torch.cat(
        [1000 + 500 * torch.randn(200, 3, generator=generator), torch.rand(200, 5, generator=generator)], 1
    )
    plain = Plain(blocks=(3, 5))
    plain.fit(values)
    vectors = plain(_inputs(values))
    first, second = (block.square().sum(1).mean() for block in vectors.split((3, 5), dim=1))
    assert abs(first - second) < 0.2
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(200))


def test_a_constant_block_is_left_at_zero():
    plain = Plain(blocks=(1, 2))
    values = torch.tensor([[4.0, 1.0, 0.0], [4.0, 0.0, 1.0]])
    plain.fit(values)
    assert not plain(_inputs(values))[:, 0].any()


def test_no_items_are_refused():
    with pytest.raises(ContractError, match="give it at least one"):
        Plain(blocks=(2,)).fit(torch.zeros(0, 2))
