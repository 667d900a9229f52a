import pytest
import torch
from m5kit_fusion_mbt import AttentionBottlenecks

from m5kit.api import ConfigError, Tokens
from m5kit.testing import check_fusion


def test_it_keeps_the_contract():
    assert check_fusion(AttentionBottlenecks).ran > 15


def tokens(seed, length=3):
    return Tokens(torch.randn(1, length, 8, generator=torch.Generator().manual_seed(seed)), torch.tensor([length]))


def summary_of_a(fusion, b):
    return fusion({"a": tokens(5), "b": b}, torch.tensor([[0.5, 0.5]])).tokens["a"].summary


def fusion(**arguments):
    torch.manual_seed(0)
    return AttentionBottlenecks(modalities=("a", "b"), dim=8, heads=2, **arguments).eval()


def test_what_one_modality_tells_the_other_hears():
    mixed = fusion()
    assert not torch.allclose(summary_of_a(mixed, tokens(1)), summary_of_a(mixed, tokens(2)))


def test_layers_before_the_exchange_see_their_own_modality_only():
    mixed = fusion(layers=4, exchange_from=2)
    seen = []
    mixed.layers[2]["a"].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for seed in (1, 2):
        summary_of_a(mixed, tokens(seed))
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0][0, :4], mixed.shared)  # the bottleneck joins here, as it was learned


def test_all_that_passes_is_the_mean_of_the_bottlenecks():
    mixed = fusion(layers=2, exchange_from=0)
    said = {}
    for m in "ab":
        mixed.layers[0][m].register_forward_hook(lambda _, given, out, m=m: said.update({m: out[:, :4]}))
    heard = []
    mixed.layers[1]["a"].register_forward_pre_hook(lambda _, given: heard.append(given[0][:, :4]))
    summary_of_a(mixed, tokens(1))
    torch.testing.assert_close(heard[0], (said["a"] + said["b"]) / 2)
    summary_of_a(mixed, Tokens(torch.zeros(1, 3, 8), torch.tensor([0])))  # an item without b
    torch.testing.assert_close(heard[1], said["a"])


@pytest.mark.parametrize("exchange_from", [-1, 1, 2])
def test_an_exchange_that_nobody_hears_is_refused(exchange_from):
    with pytest.raises(ConfigError, match=r"exchange_from: expected 0 to 0, so that two of 2 layers exchange; got"):
        fusion(layers=2, exchange_from=exchange_from)
