import torch

from m5kit.readouts.mean import MeanReadout
from m5kit.structures import Tokens


def test_mean_of_all_tokens():
    tokens = Tokens(torch.tensor([[[2.0], [4.0], [90.0]]]), torch.tensor([2]))
    assert MeanReadout(dim=1)(tokens).tolist() == [[3.0]]
