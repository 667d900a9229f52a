import pytest
import torch

from m5kit.descriptors.pairs import FACTOR, MODULUS, PairsDescriptor, pair_numbers
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


def test_the_number_of_a_pair_is_the_polynomial_of_its_ids():
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 30_000, (4, 40), generator=rng)
    groups = torch.randint(-1, 6, (4, 40), generator=rng)  # also pairs whose ids do not follow each other
    numbers, first = pair_numbers(ids, groups)
    for row in range(4):
        expected = {}
        for number, group in zip(ids[row].tolist(), groups[row].tolist(), strict=True):
            if group >= 0:
                expected[group] = (expected.get(group, 0) * FACTOR + number + 1) % MODULUS
        assert dict(zip(groups[row][first[row]].tolist(), numbers[row][first[row]].tolist(), strict=True)) == expected
