import pytest
import torch

from m5kit.balancers.gradnorm import GradNormBalancer
from m5kit.errors import ConfigError

BOTH = torch.tensor([True, True])


def _trained(balancer, scales, steps, present=BOTH):
    """Losses whose gradient on the tokens has the norm ``scale``, and that have that size themselves."""
    for _ in range(steps):
        balancer.observe(torch.tensor(scales), torch.tensor(scales), present)
    return balancer.factors(present)


def test_a_step_by_hand():
    balancer = GradNormBalancer(tasks=("a", "b"), alpha=0.0, lr=0.1)
    weights = _trained(balancer, (3.0, 1.0), 1)
    # pulls 3 and 1, mean and target 2: log weights move by -0.1 * 3/2 and +0.1 * 1/2, then sum to 2
    raw = torch.tensor([-0.15, 0.05]).exp()
    torch.testing.assert_close(weights, 2 * raw / raw.sum())


def test_without_alpha_the_weighted_gradients_become_alike():
    weights = _trained(GradNormBalancer(tasks=("a", "b"), alpha=0.0, lr=0.01), (9.0, 1.0), 600)
    torch.testing.assert_close(weights * torch.tensor([9.0, 1.0]), torch.full((2,), 1.8), rtol=0.05, atol=0)


def test_the_slower_task_gets_the_larger_gradient():
    balancer = GradNormBalancer(tasks=("a", "b"), alpha=1.0, lr=0.01)
    _trained(balancer, (4.0, 1.0), 1)  # first losses
    with torch.no_grad():
        balancer.first.copy_(torch.tensor([8.0, 1.0]))  # half of the first is left, all of the second
    pull = _trained(balancer, (4.0, 1.0), 900) * torch.tensor([4.0, 1.0])
    assert (pull[1] / pull[0]).item() == pytest.approx(2.0, rel=0.05)


def test_the_scale_of_all_losses_does_not_matter():
    one, other = (_trained(GradNormBalancer(tasks=("a", "b")), (3.0 * scale, 1.0 * scale), 20) for scale in (1e-3, 1e3))
    torch.testing.assert_close(one, other)


def test_an_absent_task_keeps_its_share_and_gets_its_first_loss_later():
    balancer = GradNormBalancer(tasks=("a", "b", "c"), alpha=0.0)
    weights = _trained(balancer, (3.0, 1.0, 0.0), 5, torch.tensor([True, True, False]))
    assert balancer.first.tolist() == [3.0, 1.0, 0.0]
    assert weights.sum().item() == pytest.approx(3)
    assert weights[0] < weights[2] < weights[1]


def test_equal_norms_leave_nothing_to_do():
    balancer = GradNormBalancer(tasks=("x", "y"), alpha=0.0, lr=0.1)
    balancer.observe(torch.tensor([7.0, 5.0]), torch.tensor([5.0, 5.0]), BOTH)
    assert balancer.log_weights.tolist() == pytest.approx([0, 0], abs=1e-6)


def test_a_step_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="lr must be above 0, got 0"):
        GradNormBalancer(tasks=("a",), lr=0)
