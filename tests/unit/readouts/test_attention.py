import torch

from m5kit.readouts.attention import AttentionReadout
from m5kit.structures import Tokens


def test_a_query_chooses_the_token_it_fits():
    readout = AttentionReadout(dim=2, queries=1)
    with torch.no_grad():
        readout.queries.copy_(torch.tensor([[100.0, 0.0]]))
        readout.keys.weight.copy_(torch.eye(2))
    tokens = Tokens(torch.tensor([[[1.0, 5.0], [0.0, 7.0], [9.0, 9.0]]]), torch.tensor([2]))
    torch.testing.assert_close(readout(tokens), torch.tensor([[1.0, 5.0]]))
