import torch

from m5kit.nn.parts import sum_of_parts


def test_long_features_count_no_more_than_short_ones_and_trust_decides():
    features = torch.tensor([[[100.0, 0.0], [0.0, 0.1]], [[5.0, 0.0], [0.0, 5.0]], [[1.0, 1.0], [1.0, 1.0]]])
    trust = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    expected = torch.tensor([[0.5**0.5, 0.5**0.5], [1.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(sum_of_parts(features, trust), expected)
