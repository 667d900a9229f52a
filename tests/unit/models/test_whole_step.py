"""A step in chunks has the facts of all its items."""

import torch

from m5kit.models.whole_step import joined_facts, without_inputs, without_values

ROWS = [("image",), ("text",), (), ("image", "text"), ("text",)]


def test_facts_of_chunks_join_to_those_of_the_batch(backbone, batch):
    model, whole = backbone(), batch(ROWS)
    expected = model.facts(whole, model.observe(whole))
    found = joined_facts([without_values(model.facts(part, model.observe(part))) for part in whole.chunks(2)])
    assert torch.equal(found.present, expected.present)
    assert found.rows.keys() == expected.rows.keys()
    for m in ("audio", "image", "text"):
        assert torch.equal(found.lengths(m), expected.lengths(m))
        assert m not in found.rows or torch.equal(found.rows[m], expected.rows[m])


def test_the_batch_without_inputs_has_its_items(batch):
    whole = batch(ROWS)
    found = without_inputs(whole.chunks(2))
    assert (found.ids, found.inputs) == (whole.ids, {})
    assert torch.equal(found.present, whole.present)
    assert torch.equal(found.positions, whole.positions)
