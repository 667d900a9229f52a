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
    first, second = (block.square().sum(1).mean() for block in plain.parts(values))
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(plain(_inputs(values)).norm(dim=1), torch.ones(200))


def test_a_constant_block_is_left_at_zero():
    plain = Plain(blocks=(1, 2))
    values = torch.tensor([[4.0, 1.0, 0.0], [4.0, 0.0, 1.0]])
    plain.fit(values)
    assert not plain.parts(values)[0].any()


def test_rotation_changes_no_cosine_and_lets_columns_vary_alike():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(500, 64, generator=generator) * torch.logspace(-2, 1, 64)
    plain = Plain(blocks=(32, 32))
    plain.fit(values)
    vectors = plain(_inputs(values))
    unturned = torch.nn.functional.normalize(torch.cat(plain.parts(values), 1), dim=1)
    torch.testing.assert_close(vectors @ vectors.T, unturned @ unturned.T, atol=1e-5, rtol=0)
    assert unturned.std(0).max() / unturned.std(0).min() > 20
    assert vectors.std(0).max() / vectors.std(0).min() < 4


def test_the_rotation_is_made_when_a_vector_is_asked_for_and_follows_the_model(monkeypatch):
    made = []
    monkeypatch.setattr("m5kit.descriptors.base.rotation", lambda width: made.append(width) or torch.eye(width))
    plain = Plain(blocks=(2, 3))
    plain.fit(torch.randn(10, 5, generator=torch.Generator().manual_seed(0)))
    assert made == []  # so that a run which is loaded for texts does not wait for the matrices of pictures
    plain.vectors(torch.ones(2, 5))
    plain.vectors(torch.ones(2, 5))
    assert made == [5]
    assert plain.double().rotation.dtype == torch.float64
    assert "rotation" not in dict(plain.named_buffers())  # processes compare theirs before each has made one


def test_the_squared_length_of_a_block_grows_with_the_evidence_for_it():
    values = torch.randn(100, 5, generator=torch.Generator().manual_seed(0))
    plain = Plain(blocks=(2, 3), shares=(2.0, 1.0))
    plain.fit(values)
    plain.weigh(torch.tensor([0.1, 0.4]))
    first, second = (block.square().sum(1).mean() for block in plain.parts(values))
    torch.testing.assert_close(first, second)  # the first began with four times the second's
    torch.testing.assert_close(plain.shares[0], plain.shares[1])


def test_shares_are_part_of_the_state():
    values = torch.randn(100, 5, generator=torch.Generator().manual_seed(0))
    plain, other = Plain(blocks=(2, 3)), Plain(blocks=(2, 3))
    plain.fit(values)
    plain.weigh(torch.tensor([0.1, 0.4]))
    other.load_state_dict(plain.state_dict())
    assert torch.equal(plain(_inputs(values)), other(_inputs(values)))


def test_no_items_are_refused():
    with pytest.raises(ContractError, match="give it at least one"):
        Plain(blocks=(2,)).fit(torch.zeros(0, 2))
