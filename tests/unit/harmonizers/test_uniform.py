import torch

from m5kit.harmonizers.uniform import UniformHarmonizer
from m5kit.registry import HARMONIZERS


def test_ones_where_present():
    present = torch.tensor([[True, True, False], [False, False, False]])
    harmony = UniformHarmonizer()(torch.full((2, 3, 4), torch.nan), present)
    assert harmony.pairs[0].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert harmony.tasks.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert harmony.modalities.tolist() == [[0.5, 0.5, 0], [0, 0, 0]]


def test_it_is_built_by_name_and_needs_nothing():
    assert isinstance(HARMONIZERS.build({"type": "uniform"}, modalities=("a",)), UniformHarmonizer)
