import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.co_attention import CoAttentionBlock, CrossAttention, co_attend, others, seen_keys
from m5kit.nn.packing import Packing


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def moved(module):
    """The module with no parameter at its start, where biases are zero."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module.eval()


def whole(values):
    return Packing.from_lengths(torch.full((values.shape[0],), values.shape[1]), values.shape[1])


def test_equal_keys_mix_the_values_evenly():
    """With zero keys every token gets the mean of the values, here 2 and 6."""
    attention = CrossAttention(dim=1, heads=1)
    for weight, value in (
        (attention.query.weight, 1.0),
        (attention.keys_values.weight, 0.0),
        (attention.out.weight, 1.0),
    ):
        nn.init.constant_(weight, value)
    with torch.no_grad():
        attention.keys_values.weight[1] = 1.0
    nn.init.zeros_(attention.keys_values.bias)
    offers = attention.offer(torch.tensor([[2.0], [6.0]]), whole(torch.zeros(1, 2, 1)))
    mixed = attention(torch.tensor([[5.0]]), whole(torch.zeros(1, 1, 1)), offers, None)
    assert_close(mixed, torch.tensor([[4.0]]))


def test_it_is_attention_over_what_is_offered():
    attention, mine, theirs = moved(CrossAttention(dim=4, heads=2)), torch.randn(1, 2, 4), torch.randn(1, 3, 4)
    mixed = attention(mine[0], whole(mine), attention.offer(theirs[0], whole(theirs)), None)
    key, value = attention.keys_values(theirs).chunk(2, dim=-1)
    query = attention.query(mine)
    heads = [scaled_dot_product_attention(query[..., h], key[..., h], value[..., h]) for h in (slice(2), slice(2, 4))]
    assert_close(mixed, attention.out(torch.cat(heads, dim=-1))[0])


def test_an_item_to_which_nothing_is_offered_gets_zeros():
    attention, mine = moved(CrossAttention(dim=4, heads=2)), torch.randn(2, 4)
    lengths = torch.tensor([0, 2])
    offers = attention.offer(torch.randn(2, 4), Packing.from_lengths(lengths, 2))
    mixed = attention(mine, whole(mine[:, None]), offers, seen_keys([lengths], [2]))
    assert mixed[0].tolist() == [0.0] * 4
    assert mixed[1].abs().min() > 0


def test_streams_are_seen_where_they_are_real():
    seen = seen_keys([torch.tensor([2, 0]), torch.tensor([1, 1])], [2, 2])
    assert seen.squeeze().int().tolist() == [[1, 1, 1, 0], [0, 0, 1, 0]]
    assert seen_keys([torch.tensor([2, 2])], [2]) is None
    assert seen_keys([], []) is None


def test_others_are_all_but_one():
    assert [others((7, 8, 9), i) for i in range(3)] == [[8, 9], [7, 9], [7, 8]]


def test_a_layer_reads_the_others_as_they_are_after_their_look_at_themselves():
    one, two = (moved(CoAttentionBlock(dim=4, heads=2, ratio=2.0, dropout=0.0)) for _ in range(2))
    a, b = torch.randn(3, 4), torch.randn(2, 4)
    places = [Packing.from_lengths(torch.tensor([len(v)]), len(v)) for v in (a, b)]
    found, _ = co_attend([one, two], [a, b], places, [None, None])
    inward = two.look_at_itself(b, places[1])
    expected = one.look_at_others(one.look_at_itself(a, places[0]), places[0], two.offer(inward, places[1]), None)
    assert_close(found, expected)


def test_one_stream_alone_only_looks_at_itself():
    block, a = moved(CoAttentionBlock(dim=4, heads=2, ratio=2.0, dropout=0.0)), torch.randn(3, 4)
    place = Packing.from_lengths(torch.tensor([3]), 3)
    (found,) = co_attend([block], [a], [place], [None])
    inward = block.look_at_itself(a, place)
    assert_close(found, inward + block.mlp(block.mlp_norm(inward)))


def test_heads_must_divide_the_width():
    with pytest.raises(ConfigError, match="heads 3 does not divide dim 8; choose a divisor of 8"):
        CrossAttention(dim=8, heads=3)
