import pytest
import torch

from m5kit.errors import ContractError
from m5kit.nn.gradients import squared_norms


def test_gradients_on_several_tensors_make_one_norm():
    a, b = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    unread = torch.ones(4, requires_grad=True)
    losses = [3 * a[0] + 4 * b[0], 5 * b[1], torch.zeros(())]
    assert squared_norms(losses, [a, b, unread]).tolist() == [25.0, 25.0, 0.0]
    sum(losses).backward()  # the graph must still be there


def test_without_a_trainable_encoder_it_says_what_to_do():
    loss = torch.ones(2, requires_grad=True).sum()
    with pytest.raises(ContractError, match="no encoder has a parameter to train; train one, or use balancer"):
        squared_norms([loss], [torch.ones(2)])
