import pytest
import torch

from m5kit.nn.draws import Draws
from m5kit.nn.masking import hidden_parts, replacement_ids, unit_draws


def drawn(items):
    return Draws(0, "b", torch.arange(items))


def test_padding_is_never_chosen():
    real = torch.tensor([[True, True, False]]).expand(500, 3)
    draws = unit_draws(real, None, drawn(500))
    assert (draws < 1.0).equal(real)


def test_each_token_has_a_number_of_its_own_and_each_unit_one():
    groups = torch.arange(4).repeat_interleave(3).expand(200, 12)
    whole = unit_draws(torch.ones(200, 12, dtype=torch.bool), groups, drawn(200)).view(200, 4, 3)
    assert (whole == whole[:, :, :1]).all()
    assert len(whole[:, :, 0].unique()) == pytest.approx(800, abs=2)
    assert len(unit_draws(torch.ones(200, 12, dtype=torch.bool), None, drawn(200)).unique()) == pytest.approx(
        2400, abs=5
    )


def test_tokens_outside_units_are_never_chosen():
    groups = torch.tensor([[-1, 0, -1]])
    assert unit_draws(torch.ones(1, 3, dtype=torch.bool), groups, drawn(1))[0, [0, 2]].tolist() == [1, 1]


@pytest.mark.parametrize("shape", [(0, 0), (2, 0), (0, 3)])
def test_nothing_to_draw_from_is_no_error(shape):
    real, groups = torch.ones(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.int64)
    assert unit_draws(real, groups, drawn(shape[0])).shape == shape


def test_replacements_come_in_the_stated_shares():
    ids = replacement_ids(100, 50, 2, (0.8, 0.1), drawn(200))
    assert (ids == 2).float().mean() == pytest.approx(0.8, abs=0.01)
    assert (ids == -1).float().mean() == pytest.approx(0.1, abs=0.01)
    assert ids[ids > 2].unique().tolist() == list(range(3, 50))


def test_a_pair_loses_its_value_its_key_or_both():
    roles = torch.tensor([1, 1, 0, 2, 2, 0]).expand(3, 6)
    fate = torch.tensor([0.1, 0.55, 0.9])[:, None].expand(3, 6)
    assert hidden_parts(fate, roles, 0.5, 0.25).int().tolist() == [
        [0, 0, 0, 1, 1, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 0, 1, 1, 0],
    ]
    assert hidden_parts(fate, None, 0.5, 0.25).all()
