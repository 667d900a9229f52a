import pytest
import torch

from m5kit.nn.rotation import rotation


@pytest.mark.parametrize("width", [1, 2, 7, 576])
def test_it_is_orthonormal_and_always_the_same(width):
    turn = rotation(width)
    torch.testing.assert_close(turn @ turn.T, torch.eye(width), atol=1e-5, rtol=0)
    assert torch.equal(turn, rotation(width))


def test_a_single_column_reaches_all_columns_alike():
    turn = rotation(256)
    assert (turn.abs() < 2.01 * 256**-0.5).all()
    assert turn[:, 0].sum().abs() < 4  # signs: a common shift is no column of its own


def test_whoever_changes_it_changes_only_a_copy():
    rotation(4).zero_()
    assert rotation(4).any()
