import torch

from m5kit.nn.pairs import pairs_of_modalities


def test_pairs_that_enough_items_have():
    present = torch.tensor([[True, True, False], [True, True, True], [False, True, True]])
    assert [(i, j, rows.tolist()) for i, j, rows in pairs_of_modalities(present)] == [(0, 1, [0, 1]), (1, 2, [1, 2])]
    assert [(i, j) for i, j, _ in pairs_of_modalities(present, least=1)] == [(0, 1), (0, 2), (1, 2)]
