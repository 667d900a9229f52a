import torch
from torch.nn.functional import normalize
from torch.testing import assert_close

from m5kit.nn.residual import ResidualVector


def test_it_begins_as_what_is_given_and_learns():
    given, learned = torch.randn(4, 6) * 30, torch.randn(4, 3)
    part = ResidualVector(given=6, learned=3)
    assert_close(part(given, learned), normalize(given, dim=1))
    part(given, learned)[:, 0].sum().backward()
    assert part.gate.grad.abs() > 0


def test_however_long_it_learns_it_stays_near_what_is_given():
    given = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    part = ResidualVector(given=6, learned=3)
    torch.nn.init.constant_(part.gate, 100.0)
    moved = part(given, torch.ones(4, 3)) - normalize(given, dim=1)
    assert_close(moved.norm(dim=1), torch.full((4,), 0.5))


def test_a_given_vector_of_zeros_is_finite():
    part = ResidualVector(given=6, learned=3)
    torch.nn.init.ones_(part.gate)
    assert_close(part(torch.zeros(1, 6), torch.ones(1, 3)), torch.zeros(1, 6))
