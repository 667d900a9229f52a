"""Given features: the paper's own setting."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError, ContractError
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def small(**arguments):
    given = {"type": "features", "dim": 8, "width": 3, "max_tokens": 4, "heads": 2, "layers": 1}
    return ENCODERS.build(given | arguments).eval()


def test_boxes_are_no_part_of_what_is_hidden_or_predicted():
    inputs = Inputs(torch.rand(2, 4, 8), torch.tensor([4, 2]))
    observation = small(boxes=5).observe(inputs)
    assert torch.equal(observation.values, inputs.values[..., :3])
    assert torch.equal(observation.boxes, inputs.values[..., 3:])


def test_the_summary_is_the_mean_of_what_is_left_and_sees_the_whole_picture():
    encoder = small(boxes=5, layers=0, positions=False, dropout=0.0)
    values = torch.rand(1, 4, 8)
    seen = encoder.observe(Inputs(values, torch.tensor([3])))
    hidden = replace(seen, values=seen.values.index_fill(1, torch.tensor([0]), 0.0))
    mean = hidden.values[0, :3].mean(0)
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0])
    wanted = encoder.norm_out(encoder.norm_in(encoder.project(mean) + encoder.place(whole)))
    assert_close(encoder.encode(hidden).summary[0], wanted)


def test_where_a_feature_stands_matters():
    inputs = Inputs(torch.rand(1, 3, 8), torch.tensor([3]))
    moved = replace(inputs, values=inputs.values + torch.tensor([0.0] * 3 + [0.3] * 5))
    encoder = small(boxes=5, positions=False)
    assert (encoder(inputs).values - encoder(moved).values).abs().max() > 1e-3


def test_without_positions_the_order_does_not_matter():
    inputs = Inputs(torch.rand(1, 3, 3), torch.tensor([3]))
    turned = replace(inputs, values=inputs.values[:, [2, 0, 1]])
    free, bound = small(positions=False), small(positions=True)
    assert_close(free(turned).values[0, 1:], free(inputs).values[0, [3, 1, 2]], atol=1e-5, rtol=1e-5)
    assert (bound(turned).values[0, 1:] - bound(inputs).values[0, [3, 1, 2]]).abs().max() > 1e-3


def test_post_norm_blocks_are_those_of_bert():
    encoder = small(norm="post", ratio=1.5)
    counts = {name: p.numel() for name, p in encoder.stack.named_parameters()}
    assert sum(counts.values()) == (3 * 8 * 8 + 3 * 8) + (8 * 8 + 8) + (8 * 12 + 12) + (12 * 8 + 8) + 4 * 8
    tokens = encoder(Inputs(torch.rand(1, 2, 3), torch.tensor([2]))).values
    assert_close(tokens.mean(-1), torch.zeros(1, 3), atol=1e-6, rtol=0)
    with pytest.raises(ConfigError, match="heads 3 does not divide dim 8"):
        small(norm="post", heads=3)


def test_other_widths_and_too_many_features_are_refused():
    with pytest.raises(ContractError, match="features of 4 numbers, the encoder was built for 3 and 0 of a box"):
        small().observe(Inputs(torch.rand(1, 2, 4), torch.tensor([2])))
    with pytest.raises(ContractError, match="an item has 5 features, the encoder was built for 4"):
        small()(Inputs(torch.rand(1, 5, 3), torch.tensor([5])))
