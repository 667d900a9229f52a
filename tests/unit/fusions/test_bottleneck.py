import pytest
import torch
from torch import nn
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.packing import Packing
from m5kit.registry import FUSIONS
from m5kit.structures import Tokens


def build(**arguments):
    fusion = FUSIONS.build(
        {
            "type": "bottleneck",
            "modalities": ("a", "b", "c"),
            "dim": 8,
            "heads": 2,
            "latents": 3,
            "dropout": 0.0,
            **arguments,
        }
    ).eval()
    for parameter in fusion.parameters():
        nn.init.normal_(parameter, std=0.2)
    return fusion


def test_two_layers_written_out_for_one_item():
    fusion, lengths = build(modalities=("a", "b")), {"a": 3, "b": 2}
    tokens = {m: Tokens(torch.randn(1, n, 8), torch.tensor([n])) for m, n in lengths.items()}
    fused = fusion(tokens, torch.full((1, 2), 0.5))
    latents, streams = fusion.latents, [tokens[m].values[0] + fusion.kinds[i] for i, m in enumerate("ab")]
    for layer in fusion.layers:
        joined = [torch.cat([latents, stream]) for stream in streams]
        moved = [
            block(v, Packing.from_lengths(torch.tensor([len(v)]), len(v)))
            for block, v in zip(layer, joined, strict=True)
        ]
        latents, streams = (moved[0][:3] + moved[1][:3]) / 2, [v[3:] for v in moved]
    for stream, m in zip(streams, "ab", strict=True):
        assert_close(fused.tokens[m].values[0], stream, atol=1e-5, rtol=1e-5)


def test_the_bottleneck_is_averaged_over_the_modalities_an_item_has(tokens, weights):
    """Item 1 lacks b: beside items that have it, it gets the same as without b in the batch."""
    fusion = build()
    fewer = {m: Tokens(tokens[m].values[[1]], tokens[m].lengths[[1]]) for m in "ac"}
    assert_close(fusion(tokens, weights).embedding[[1]], fusion(fewer, weights[[1]]).embedding)


def test_modalities_meet_only_in_the_latents(tokens, weights):
    """If the first layer cannot write to the latents, what one modality says reaches no other."""
    other = tokens | {"c": Tokens(tokens["c"].values + torch.randn(8), tokens["c"].lengths)}

    def moved(fusion):
        one, two = (fusion(given, weights).tokens["a"].values[0] for given in (tokens, other))
        return bool((one - two).abs().sum() > 1e-5)

    open_way, closed = build(), build()
    for block in closed.layers[0]:
        for last in (block.attention.out, block.mlp[-1]):
            nn.init.zeros_(last.weight)
    assert moved(open_way)
    assert not moved(closed)


def test_shared_blocks_are_one_set():
    shared, own = build(shared=True), build(shared=False)
    count = [sum(p.numel() for p in fusion.layers.parameters()) for fusion in (shared, own)]
    assert count[0] * 3 == count[1]


@pytest.mark.parametrize("arguments", [{"layers": 1}, {"latents": 0}])
def test_a_bottleneck_through_which_nothing_passes_is_refused(arguments):
    with pytest.raises(ConfigError, match="expected layers >= 2 and latents >= 1"):
        FUSIONS.build({"type": "bottleneck", "modalities": ("a", "b"), "dim": 8, "heads": 2, **arguments})
