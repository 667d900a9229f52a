import torch
from torch import nn

from m5kit.nn.initial import own_weights


def drawn(part, seed=0):
    torch.manual_seed(seed)
    with own_weights(part):
        return nn.Linear(4, 4).weight


def test_weights_follow_from_the_seed_and_the_name():
    assert torch.equal(drawn("a"), drawn("a"))
    assert not torch.equal(drawn("a"), drawn("b"))
    assert not torch.equal(drawn("a"), drawn("a", seed=1))


def test_other_draws_go_on_as_if_nothing_had_been_drawn():
    torch.manual_seed(3)
    expected = torch.rand(5)
    torch.manual_seed(3)
    first = torch.rand(2)
    with own_weights("a"):
        torch.rand(100)
    assert torch.equal(torch.cat([first, torch.rand(3)]), expected)
    assert torch.initial_seed() == 3


def test_a_part_in_a_part_depends_on_both_names():
    torch.manual_seed(0)
    with own_weights("a"), own_weights("b"):
        inner = nn.Linear(4, 4).weight
    assert not torch.equal(inner, drawn("b"))
