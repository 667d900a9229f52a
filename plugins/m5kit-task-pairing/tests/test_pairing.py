import torch
from m5kit_task_pairing import Pairing

from m5kit.testing import check_task


def test_it_keeps_the_contract():
    assert check_task(Pairing).ran > 12


def test_the_wrong_partner_is_the_nearest_other_item():
    task = Pairing(features=3)
    a = torch.eye(3)
    b = torch.tensor([[1.0, 0.1, 0.0], [0.2, 1.0, 0.9], [0.0, 0.8, 1.0]])
    seen = []
    task.network.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    _, wanted = task._scores(a, b)
    assert wanted.tolist() == [1, 1, 1, 0, 0, 0]
    unit = torch.nn.functional.normalize(b, dim=1)
    assert torch.allclose(seen[0][3:, 3:6], unit[[1, 2, 1]])
