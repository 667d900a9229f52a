"""Views of chunks join to that of the batch, and gradients find their rows."""

import torch
from torch.testing import assert_close

from m5kit.models.kept_view import KeptPart, KeptView, bridge, join, tensors_of

ROWS = [("image", "text"), ("text",), (), ("image", "text"), ("text", "table")]


def kept(model, whole, size, everything=True) -> tuple[KeptView, list]:
    views = [model(chunk) for chunk in whole.chunks(size)]
    parts = []
    for view in views:
        lengths = {m: tokens.lengths for m, tokens in view.encoded.items()}
        tensors = {name: tensor.detach() for name, tensor in tensors_of(view, everything).items()}
        parts.append(KeptPart(tensors, view.present, lengths, view.targets))
    return KeptView(model.modalities, join(parts), everything), views


def test_chunks_join_to_the_view_of_the_batch(backbone, batch):
    model, whole = backbone(harmonizer="graph").eval(), batch(ROWS)
    expected = model(whole)
    view = kept(model, whole, 2)[0]
    found = view.view(view.leaves())
    for name, tensor in tensors_of(found, True).items():
        assert_close(tensor, tensors_of(expected, True)[name], rtol=1e-5, atol=1e-5, msg=name)
    for m, rows in expected.rows.items():
        assert torch.equal(found.rows[m], rows)
        assert torch.equal(found.encoded[m].lengths, expected.encoded[m].lengths)
    assert torch.equal(found.targets["kind"], expected.targets["kind"])


def test_some_rows_are_a_view_of_their_own(backbone, batch):
    view = kept(backbone(harmonizer="graph").eval(), batch(ROWS), 2)[0]
    items = torch.tensor([4, 0])
    some = view.view(view.leaves(items), items)
    assert torch.equal(some.present, view.whole.present[items])
    assert torch.equal(some.features, view.whole.tensors["features"][items])


def test_gradients_come_to_the_rows_of_their_chunk(backbone, batch):
    view, chunks = kept(backbone(harmonizer="graph").eval(), batch(ROWS), 2)
    gradient = torch.randn_like(view.whole.tensors["features"])
    view.add({"features": gradient})
    view.add({"features": torch.ones(2, *gradient.shape[1:])}, items=torch.tensor([4, 2]))
    gradient[[4, 2]] += 1
    found = torch.autograd.grad(view.bridge(chunks[1], 2), chunks[1].features)[0]
    assert torch.equal(found, gradient[2:4])
    assert view.bridge(chunks[1], 2, task="nobody") == 0


def test_only_features_are_kept_where_they_are_enough(backbone, batch):
    assert kept(backbone().eval(), batch(ROWS), 2, everything=False)[0].whole.tensors.keys() == {"features"}


def test_a_bridge_cuts_padding_off():
    narrow = torch.ones(1, 2, 3, requires_grad=True)
    wide = torch.arange(12.0).view(1, 4, 3)
    bridge({"encoded a": narrow}, {"encoded a": wide}).backward()
    assert torch.equal(narrow.grad, wide[:, :2])
