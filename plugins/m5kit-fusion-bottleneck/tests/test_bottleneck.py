import torch
from m5kit_fusion_bottleneck import Bottleneck

from m5kit.api import Tokens
from m5kit.testing import check_fusion


def test_it_keeps_the_contract():
    assert check_fusion(Bottleneck).ran > 15


def summary_of_a(fusion, seed):
    torch.manual_seed(5)
    a = Tokens(torch.randn(1, 3, 8), torch.tensor([3]))
    torch.manual_seed(seed)
    b = Tokens(torch.randn(1, 3, 8), torch.tensor([3]))
    return fusion({"a": a, "b": b}, torch.tensor([[0.5, 0.5]])).tokens["a"].summary


def test_modalities_talk_through_the_bottleneck_from_the_second_layer_on():
    for layers, talk in ((1, False), (2, True)):
        fusion = Bottleneck(modalities=("a", "b"), dim=8, layers=layers, heads=2).eval()
        assert torch.allclose(summary_of_a(fusion, seed=1), summary_of_a(fusion, seed=2)) != talk
