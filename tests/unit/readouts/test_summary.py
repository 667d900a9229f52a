import torch

from m5kit.readouts.summary import SummaryReadout
from m5kit.structures import Tokens


def test_the_first_token():
    tokens = Tokens(torch.tensor([[[2.0], [4.0]], [[8.0], [9.0]]]), torch.tensor([2, 0]))
    assert SummaryReadout(dim=1)(tokens).tolist() == [[2.0], [0.0]]
