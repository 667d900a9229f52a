from itertools import combinations, pairwise

import pytest
import torch

from m5kit.nn.pretrained.lengths import CALL_ON_CPU, WITH_GRADIENTS, call_cost, group_alike, run_alike


def cost(lengths, cuts, call):
    """Of rows sorted from long to short, cut there."""
    bounds = [0, *cuts, len(lengths)]
    return sum(call + lengths[begin] * (end - begin) for begin, end in pairwise(bounds))


@pytest.mark.parametrize("call", [0, 3, 10, 1000])
def test_no_other_cut_costs_less(call):
    lengths = torch.randint(1, 40, (9,), generator=torch.Generator().manual_seed(call))
    groups = group_alike(lengths, call)
    ordered = sorted(lengths.tolist(), reverse=True)
    chosen = torch.tensor([len(group) for group in groups]).cumsum(0)[:-1].tolist()
    every = [cut for count in range(9) for cut in combinations(range(1, 9), count)]
    assert cost(ordered, chosen, call) == min(cost(ordered, cut, call) for cut in every)
    assert torch.cat(groups).sort().values.tolist() == list(range(9))


def test_rows_come_back_in_their_order():
    ids, lengths = torch.arange(4 * 500).view(4, 500), torch.tensor([3, 500, 4, 480])
    seen = []

    def network(rows, counts):
        seen.append((rows.shape, counts.tolist()))
        return rows[:, :1].float(), rows[..., None].float()

    summary, tokens = run_alike(network, ids, lengths)
    assert seen == [((2, 500), [500, 480]), ((2, 4), [4, 3])]
    assert summary[:, 0].tolist() == [0, 500, 1000, 1500]
    assert tokens[0, :4, 0].tolist() == [0, 1, 2, 3]
    assert tokens.shape == (4, 500, 1)
    assert not tokens[0, 4:].any()


def test_networks_that_see_the_padding_run_on_all_rows_at_once():
    seen = []
    run_alike(lambda ids, lengths: seen.append(ids.shape), torch.zeros(2, 900), torch.tensor([900, 1]), apart=False)
    assert seen == [(2, 900)]


def test_texts_without_tokens_are_padding_alone():
    network = lambda ids, lengths: (ids[:, :1].float(), ids[..., None].float())  # noqa: E731
    summary, tokens = run_alike(network, torch.ones(2, 900), torch.tensor([900, 0]))
    assert summary.shape == (2, 1)
    assert tokens.shape == (2, 900, 1)


def test_a_call_costs_more_where_it_has_gradients():
    with torch.no_grad():
        assert call_cost(torch.device("cpu")) == CALL_ON_CPU
    assert call_cost(torch.device("cpu")) == WITH_GRADIENTS * CALL_ON_CPU
