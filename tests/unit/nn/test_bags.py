import torch

from m5kit.nn.bags import bag, inverse_frequency


def test_counts_are_damped():
    numbers = torch.tensor([[1, 1, 1, 0]])
    found = bag(numbers, torch.ones_like(numbers, dtype=torch.bool), 2, folded=False)
    assert 1 < found[0, 1] / found[0, 0] < 3


def test_folding_is_the_same_in_every_batch():
    numbers = torch.tensor([[2**31 - 2, 5], [70_000, 3]])
    real = torch.ones_like(numbers, dtype=torch.bool)
    together = bag(numbers, real, 16, folded=True)
    assert torch.equal(together[1:], bag(numbers[1:], real[1:], 16, folded=True))


def test_nothing_gives_zeros():
    assert not bag(torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, 3, dtype=torch.bool), 4, folded=True).any()


def test_what_one_of_many_has_weighs_nothing():
    assert inverse_frequency(torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])).tolist() == [1.0, 0.0]
