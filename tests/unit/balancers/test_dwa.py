import pytest
import torch

from m5kit.balancers.dwa import DwaBalancer
from m5kit.errors import ConfigError

BOTH = torch.tensor([True, True])


def _feed(balancer, *losses, present=BOTH):
    for each in losses:
        weights = balancer.factors(present)
        balancer.observe(torch.tensor(each), None, present)
    return weights


def test_weights_follow_the_ratio_of_two_windows():
    balancer = DwaBalancer(tasks=("a", "b"), window=2, temperature=1.0)
    assert _feed(balancer, (3.0, 4.0), (5.0, 4.0), (1.0, 4.0), (3.0, 4.0)).tolist() == [1.0, 1.0]
    weights = _feed(balancer, (0.0, 0.0))
    expected = 2 * torch.tensor([2 / 4, 4 / 4]).softmax(0)
    torch.testing.assert_close(weights, expected)


def test_an_absent_task_keeps_its_mean():
    balancer = DwaBalancer(tasks=("a", "b"), window=1)
    _feed(balancer, (4.0, 4.0), (2.0, 2.0))
    _feed(balancer, (1.0, 0.0), present=torch.tensor([True, False]))
    assert balancer.means.tolist() == [[2.0, 2.0], [1.0, 2.0]]


def test_an_empty_step_is_not_counted():
    balancer = DwaBalancer(tasks=("a", "b"), window=2)
    _feed(balancer, (4.0, 4.0), (0.0, 0.0), present=torch.tensor([False, False]))
    assert balancer.batches.item() == 0


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match=r"window must be at least 1 and temperature above 0, got 0, 2\.0"):
        DwaBalancer(tasks=("a",), window=0)
