import pytest
import torch

from m5kit.descriptors.pairs import PairsDescriptor
from m5kit.errors import ContractError
from m5kit.structures import Inputs


def _table(ids, groups):
    return Inputs.single(torch.tensor(ids), {"groups": torch.tensor(groups)})


def test_pairs_are_a_set():
    tables = Inputs.stack([_table([3, 9, 4, 8], [0, 0, 1, 1]), _table([4, 8, 3, 9], [0, 0, 1, 1])])
    one, other = PairsDescriptor(width=32).measure(tables)
    assert torch.equal(one, other)


def test_a_value_belongs_to_its_property():
    tables = Inputs.stack([_table([3, 9, 4, 8], [0, 0, 1, 1]), _table([3, 8, 4, 9], [0, 0, 1, 1])])
    one, other = PairsDescriptor(width=1024).measure(tables)
    assert one @ other == 0


def test_ids_without_a_pair_do_not_count():
    tables = Inputs.stack([_table([3, 9, 7], [0, 0, -1]), _table([3, 9], [0, 0])])
    one, other = PairsDescriptor(width=32).measure(tables)
    assert torch.equal(one, other)


def test_tables_of_another_transform_are_refused():
    with pytest.raises(ContractError, match="use the transform 'properties'"):
        PairsDescriptor().measure(Inputs.stack([Inputs.single(torch.tensor([3, 4]))]))
