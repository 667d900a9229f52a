import torch


def test_a_view_is_what_is_encoded_and_then_fused(backbone, batch):
    model, items = backbone().eval(), batch([("image", "text"), ("text",), ()])
    seen = model.encode(items, model.observe(items))
    assert seen.encoded.keys() == seen.rows.keys() == {"image", "text"}
    assert torch.equal(seen.present, seen.there)
    assert not seen.features[2].any()
    assert torch.equal(model.fuse(seen).fused.embedding, model(items).fused.embedding)
