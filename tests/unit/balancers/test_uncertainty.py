import pytest
import torch

from m5kit.balancers.uncertainty import UncertaintyBalancer
from m5kit.nn.pretrained.tuning import learning_rate_scales

LOSSES = torch.tensor([4.0, 0.25])
BOTH = torch.tensor([True, True])


def _terms(balancer, losses, present):
    return balancer.factors(present) * losses + balancer.penalty(present)


def test_it_begins_with_the_plain_sum():
    balancer = UncertaintyBalancer(tasks=("a", "b"))
    assert _terms(balancer, LOSSES, BOTH).tolist() == [4.0, 0.25]
    assert balancer.factors(BOTH).tolist() == [1.0, 1.0]


def test_the_term_is_the_loss_over_the_variance_and_half_its_logarithm():
    balancer = UncertaintyBalancer(tasks=("a", "b"))
    with torch.no_grad():
        balancer.log_variances.copy_(torch.tensor([4.0, 2.0]).log())
    terms = _terms(balancer, LOSSES, BOTH)
    expected = [4 / 4 + 0.5 * 1.386294, 0.25 / 2 + 0.5 * 0.693147]
    assert terms.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("task_weight", [1.0, 4.0])
def test_weights_settle_where_every_loss_pulls_alike_whatever_the_weight_of_the_task(task_weight):
    balancer = UncertaintyBalancer(tasks=("a", "b"))
    optimizer = torch.optim.SGD(balancer.parameters(), lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        (task_weight * _terms(balancer, LOSSES, BOTH).sum()).backward()
        optimizer.step()
    weights = balancer.factors(BOTH).detach()
    torch.testing.assert_close(weights, torch.tensor([1 / 8, 2.0]), rtol=1e-3, atol=0)


def test_an_absent_task_leaves_its_variance_alone():
    balancer = UncertaintyBalancer(tasks=("a", "b"))
    _terms(balancer, torch.tensor([4.0, 0.0]), torch.tensor([True, False])).sum().backward()
    assert balancer.log_variances.grad.tolist() == [-3.5, 0.0]


def test_the_optimizer_is_told_their_rate():
    assert learning_rate_scales(UncertaintyBalancer(tasks=("a",), rate=3.0)) == {"log_variances": 3.0}
