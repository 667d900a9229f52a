import pytest
import torch
from torch import nn
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.attention import SelfAttention
from m5kit.nn.packing import Packing


def test_it_is_the_attention_of_torch_restricted_to_real_tokens():
    torch.manual_seed(0)
    ours, theirs = SelfAttention(dim=8, heads=2), nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.project.weight,
            "in_proj_bias": ours.project.bias,
            "out_proj.weight": ours.out.weight,
            "out_proj.bias": ours.out.bias,
        }
    )
    values, lengths = torch.randn(3, 5, 8), torch.tensor([5, 2, 3])
    padding = torch.arange(5) >= lengths[:, None]
    expected, _ = theirs(values, values, values, key_padding_mask=padding)
    packing = Packing.from_lengths(lengths, 5)
    mixed = packing.unpack(ours(packing.pack(values), packing))
    assert_close(mixed, expected.masked_fill(padding[..., None], 0.0), atol=1e-6, rtol=1e-5)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ConfigError, match="heads 3 does not divide dim 8; choose a divisor of 8"):
        SelfAttention(dim=8, heads=3)
