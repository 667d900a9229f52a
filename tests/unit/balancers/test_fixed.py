import torch

from m5kit.balancers.fixed import FixedBalancer


def test_losses_stay_as_they_are_to_the_bit():
    losses, present = torch.rand(5, generator=torch.Generator().manual_seed(0)), torch.ones(5, dtype=torch.bool)
    balancer = FixedBalancer()
    assert torch.equal(balancer(present) * losses, losses)
    assert not balancer.penalty(present).any()
    assert not balancer.logs_factors


def test_nothing_of_it_is_saved_so_older_checkpoints_still_load():
    assert FixedBalancer().state_dict() == {}
