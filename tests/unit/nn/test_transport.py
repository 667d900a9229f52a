import pytest
import torch
from torch.testing import assert_close

from m5kit.nn.transport import transport_distance, transport_plan


def everything(*shape):
    return torch.ones(*shape, dtype=torch.bool)


def test_the_plan_is_as_cheap_as_the_exact_assignment():
    """With as many tokens on both sides an optimal plan is an assignment; SciPy finds its cost."""
    from scipy.optimize import linear_sum_assignment

    torch.manual_seed(0)
    costs = torch.rand(3, 6, 6)
    plan = transport_plan(costs, everything(3, 6), everything(3, 6), beta=0.1, iterations=300)
    for row in range(3):
        found = (plan[row] * costs[row]).sum().item()
        assert found == pytest.approx(costs[row].numpy()[linear_sum_assignment(costs[row].numpy())].sum() / 6, abs=1e-3)


def test_masses_are_even_and_padding_gets_nothing():
    torch.manual_seed(0)
    a_mask = torch.tensor([[True, True, True], [True, False, False]])
    b_mask = torch.tensor([[True, True], [True, True]])
    plan = transport_plan(torch.rand(2, 3, 2), a_mask, b_mask)
    assert_close(plan.sum(2), torch.tensor([[1 / 3, 1 / 3, 1 / 3], [1.0, 0.0, 0.0]]))
    assert_close(plan.sum(1), torch.full((2, 2), 0.5), atol=1e-3, rtol=1e-3)


def test_a_distance_by_hand():
    """One token against an equal and an opposite one: half the mass moves at a cost of 0, half at 2."""
    a, b = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[3.0, 0.0], [-1.0, 0.0]]])
    assert_close(transport_distance(a, b, everything(1, 1), everything(1, 2)), torch.tensor([1.0]))


def test_padding_may_hold_anything():
    torch.manual_seed(0)
    a, b = torch.randn(2, 3, 4), torch.randn(2, 2, 4)
    mask = torch.tensor([[True, True, False], [True, True, True]])
    clean = transport_distance(a, b, mask, everything(2, 2))
    dirty = transport_distance(a.masked_fill(~mask[..., None], torch.nan), b, mask, everything(2, 2))
    assert_close(clean, dirty)


def test_the_gradient_pulls_matched_tokens_together_and_stays_finite():
    a = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]]).requires_grad_()
    b = torch.tensor([[[0.8, 0.6], [-0.6, 0.8]]])
    mask = torch.tensor([[True, True, False]])
    transport_distance(a, b, mask, everything(1, 2)).sum().backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()
    assert a.grad[0, 0, 1] < 0  # against the gradient, towards (0.8, 0.6)
    assert a.grad[0, 2].tolist() == [0.0, 0.0]
