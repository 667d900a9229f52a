import pytest
import torch
from torch.testing import assert_close

from m5kit.encoders.table_properties import TableProperties, places_in_part
from m5kit.errors import ContractError
from m5kit.nn.transformer import TransformerShape
from m5kit.structures import Inputs


def encode(ids, groups, roles):
    torch.manual_seed(0)
    encoder = TableProperties(dim=8, vocabulary=20, max_tokens=8, mask_id=2, shape=TransformerShape(heads=2)).eval()
    ids, groups, roles = (torch.tensor([column], dtype=torch.int64) for column in (ids, groups, roles))
    extras = {"groups": groups, "roles": roles}
    return encoder(Inputs(ids, torch.tensor([ids.shape[1]]), extras)).values[0]


GROUPS, ROLES = [0, 0, 0, 1, 1, 1], [1, 2, 2, 1, 2, 2]


def test_the_order_of_the_pairs_does_not_matter():
    one = encode([3, 4, 5, 6, 7, 8], GROUPS, ROLES)
    other = encode([6, 7, 8, 3, 4, 5], GROUPS, ROLES)
    assert_close(one[0], other[0], atol=1e-5, rtol=1e-5)
    assert_close(one[1:4], other[4:7], atol=1e-5, rtol=1e-5)


def test_it_matters_which_value_goes_with_which_key():
    one = encode([3, 4, 5, 6, 7, 8], GROUPS, ROLES)
    swapped = encode([3, 7, 8, 6, 4, 5], GROUPS, ROLES)
    assert (one[0] - swapped[0]).abs().max() > 1e-5


def test_a_separator_belongs_to_no_pair():
    """The pair 0 is the same pair, whatever the token between the pairs is, before attention."""
    encoder = TableProperties(dim=4, vocabulary=20, max_tokens=8, mask_id=2, shape=TransformerShape(heads=1))
    values = torch.randn(1, 3, 4)
    context = encoder._pair_context(values, torch.tensor([[0, -1, 0]]))
    assert_close(context[0, 0], encoder.pair(values[0, [0, 2]].mean(0)))
    assert context[0, 1].tolist() == [0.0] * 4


def test_places_count_from_the_start_of_each_key_and_each_value():
    groups, roles = torch.tensor([[0, 0, 0, 0, 1, -1, -1]]), torch.tensor([[1, 1, 2, 2, 2, -1, -1]])
    assert places_in_part(groups, roles).tolist() == [[0, 1, 0, 1, 0, 0, 1]]


def test_an_empty_table_has_a_summary():
    assert encode([], [], []).shape == (1, 8)


def test_missing_roles_are_named():
    encoder = TableProperties(dim=8, vocabulary=20, max_tokens=8, mask_id=2)
    with pytest.raises(ContractError, match=r"needs the extras 'groups' and 'roles', got \[\]; use the transform"):
        encoder.observe(Inputs(torch.ones(1, 2, dtype=torch.int64), torch.tensor([2])))
