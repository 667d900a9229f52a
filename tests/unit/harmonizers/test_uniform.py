import torch

from m5kit.harmonizers.uniform import UniformHarmonizer


def test_ones_where_present():
    present = torch.tensor([[True, True, False], [False, False, False]])
    harmony = UniformHarmonizer()(torch.full((2, 3, 4), torch.nan), present)
    assert harmony.pairs[0].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert harmony.tasks.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert harmony.modalities.tolist() == [[0.5, 0.5, 0], [0, 0, 0]]
