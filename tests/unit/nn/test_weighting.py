import torch

from m5kit.nn.weighting import pooled_shares


def test_the_modality_that_agrees_most_gets_the_largest_share():
    pairs = torch.tensor([[[9.0, 0.4, 0.1], [0.4, 9.0, 0.2], [0.1, 0.2, 9.0]]])
    shares = pooled_shares(pairs, torch.ones(1, 3, dtype=torch.bool))
    torch.testing.assert_close(shares, torch.tensor([[0.25, 0.30, 0.15]]) / 0.70)


def test_shares_sum_to_one_over_the_present_and_are_zero_elsewhere():
    present = torch.tensor([[True, True, False], [True, False, False], [False, False, False]])
    shares = pooled_shares(torch.rand(3, 3, 3, generator=torch.Generator().manual_seed(0)), present)
    torch.testing.assert_close(shares.sum(dim=1), torch.tensor([1.0, 1.0, 0.0]))
    assert shares[~present].abs().sum() == 0


def test_without_any_agreement_the_present_share_alike():
    present = torch.tensor([[True, False, True]])
    torch.testing.assert_close(pooled_shares(torch.zeros(1, 3, 3), present), torch.tensor([[0.5, 0.0, 0.5]]))
