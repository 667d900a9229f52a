"""Typed columns: numbers keep their size, hidden ones do not give themselves away."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.data.transforms.columns import ColumnsTransform
from m5kit.encoders.table_columns import Periodic, TableColumns
from m5kit.errors import ContractError
from m5kit.nn.transformer import TransformerShape
from m5kit.structures import Inputs


@pytest.fixture
def transform():
    made = ColumnsTransform(max_tokens=6, known=4, hashed=3, buckets=16, bins=4)
    made.fit([{"weight": str(n), "colour": "red" if n % 2 else "blue", "sizes": [38, 39]} for n in range(1, 9)])
    return made


@pytest.fixture
def encoder(transform):
    torch.manual_seed(0)
    return TableColumns(dim=16, shape=TransformerShape(layers=1, heads=2, dropout=0.0), **transform.provides()).eval()


def test_numbers_of_one_bin_differ_by_their_size(transform, encoder):
    one, other = (Inputs.stack([transform({"weight": w})]) for w in ("1.0", "1.5"))
    assert torch.equal(one.values, other.values)
    assert (encoder(one).values - encoder(other).values).abs().max() > 1e-3
    bins = TableColumns(
        dim=16, shape=TransformerShape(layers=1, heads=2), numbers="bins", **transform.provides()
    ).eval()
    assert_close(bins(one).values, bins(other).values)


def test_a_hidden_number_does_not_give_itself_away(transform, encoder):
    one, other = (encoder.observe(Inputs.stack([transform({"weight": w})])) for w in ("1.0", "8.0"))
    hidden = [replace(o, values=torch.full_like(o.values, encoder.mask_id)) for o in (one, other)]
    assert_close(encoder.encode(hidden[0]).values, encoder.encode(hidden[1]).values)


def test_order_does_not_matter_but_the_property_does(transform, encoder):
    table = Inputs.stack([transform({"colour": "red", "weight": 3})])
    turned = Inputs.stack([transform({"weight": 3, "colour": "red"})])
    assert_close(encoder(table).values[0, [0, 2, 1]], encoder(turned).values[0], atol=1e-5, rtol=1e-5)
    other = replace(table, extras={**table.extras, "columns": table.extras["columns"].flip(1)})
    assert (encoder(table).values - encoder(other).values).abs().max() > 1e-3


def test_another_transform_is_refused(encoder):
    with pytest.raises(ContractError, match=r"table_columns got extras \[\]; use the transform 'columns'"):
        encoder.observe(Inputs(torch.ones(1, 2, dtype=torch.int64), torch.tensor([2])))


def test_periodic_is_sines_and_cosines_at_its_frequencies():
    periodic = Periodic(dim=4, frequencies=2, sigma=1.0)
    with torch.no_grad():
        periodic.frequencies.copy_(torch.tensor([0.25, 0.5]))
        periodic.out[0].weight.copy_(torch.eye(4))
        periodic.out[0].bias.zero_()
    assert_close(periodic(torch.tensor([1.0])), torch.tensor([[1.0, 0.0, 0.0, 0.0]]), atol=1e-6, rtol=0)
