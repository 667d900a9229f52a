"""Whatever an item lacks, what it has is seen the same way, and nothing is NaN."""

from itertools import combinations

import torch

from m5kit.tasks.base import Swap

EVERY = ("audio", "image", "table", "text", "video")
SUBSETS = [names for size in range(1, 6) for names in combinations(EVERY, size)]


def test_all_31_subsets_in_one_batch_are_finite(backbone, batch, fusion):
    view = backbone(fusion).eval()(batch(SUBSETS))
    assert len(view.fused.embedding) == 31
    assert view.fused.embedding.isfinite().all()
    assert (view.fused.embedding.norm(dim=1) > 0).all()
    assert torch.equal(view.fused.weights > 0, view.present)
    assert torch.allclose(view.fused.weights.sum(1), torch.ones(31))


def test_an_item_is_seen_the_same_alone_and_among_others(backbone, batch, fusion):
    model = backbone(fusion).eval()
    together = model(batch(SUBSETS)).fused.embedding
    for row in (0, 7, 30):
        alone = model(batch([SUBSETS[row]], seed=row)).fused.embedding
        assert torch.allclose(alone[0], together[row], atol=1e-5)


def test_an_item_with_nothing_gets_zeros(backbone, batch, fusion):
    view = backbone(fusion).eval()(batch([(), ("text",)]))
    assert torch.equal(view.fused.embedding[0], torch.zeros(16))
    assert view.fused.embedding[1].norm() > 0


def test_a_batch_in_which_nobody_has_anything(backbone, batch, fusion):
    view = backbone(fusion).eval()(batch([(), ()]))
    assert torch.equal(view.fused.embedding, torch.zeros(2, 16))
    assert torch.equal(view.harmony.pairs, torch.zeros(2, 5, 5))


def test_encoders_run_on_present_items_only(backbone, batch):
    model = backbone().eval()
    seen = {}
    for name, encoder in model.encoders.items():
        encoder.register_forward_hook(lambda *_: None)
        original = encoder.encode
        encoder.encode = lambda o, name=name, run=original: seen.setdefault(name, len(o.values)) and run(o)
    model(batch([("text",), ("text", "image"), ("image",), ("image",)]))
    assert seen == {"text": 2, "image": 3}


def test_hiding_a_modality_equals_not_having_it(backbone, batch):
    model = backbone().eval()
    both = batch([("text", "image"), ("text", "image", "audio")])
    only = batch([("text",), ("text",)])
    assert torch.allclose(model(both.only(("text",))).fused.embedding, model(only).fused.embedding, atol=1e-6)


def test_switches_turn_the_weights_off(backbone, batch):
    items = batch([EVERY] * 3)
    weighed = backbone().eval()(items)
    even = backbone(weigh_pairs=False, weigh_tasks=False, weigh_pooling=False).eval()(items)
    assert torch.equal(even.harmony.pairs, torch.ones(3, 5, 5))
    assert torch.equal(even.harmony.tasks, torch.ones(3, 5))
    assert torch.allclose(even.harmony.modalities, torch.full((3, 5), 0.2))
    assert not torch.allclose(weighed.harmony.pairs, even.harmony.pairs)


def test_each_weight_may_come_from_before_or_after_the_fusion(backbone, batch):
    items = batch([EVERY] * 3)
    usual = backbone().eval()(items).harmony
    other = backbone(pairs_from="fused", tasks_from="encoded").eval()(items).harmony
    model = backbone().eval()
    view = model(items)
    late = model.harmonizer(view.fused.pooled, items.present)
    early = model.harmonizer(view.features, items.present)
    assert torch.equal(usual.pairs, early.pairs)
    assert torch.equal(usual.tasks, late.tasks)
    assert torch.equal(other.pairs, late.pairs)
    assert torch.equal(other.tasks, early.tasks)
    assert torch.equal(other.modalities, usual.modalities)


def test_swapped_items_are_fused_as_if_they_had_come_like_that(backbone, batch):
    """Item 0 gets the text of item 1; item 2, without a table, the picture of item 0."""
    model, items = backbone().eval(), batch([EVERY, EVERY, ("image", "text")])
    view, text, image = model(items), EVERY.index("text"), EVERY.index("image")
    swap = Swap(torch.tensor([0, 2]), torch.tensor([text, image]), torch.tensor([1, 0]))
    found = model.fuse_swapped(view, swap)
    mixed = {m: tokens.select(torch.tensor([0, 2])) for m, tokens in view.encoded.items()}
    mixed["text"] = view.encoded["text"].select(torch.tensor([1, 2]))
    mixed["image"] = view.encoded["image"].select(torch.tensor([0, 0]))
    features = view.features[[0, 2]].clone()
    features[0, text], features[1, image] = view.features[1, text], view.features[0, image]
    weights = model.harmonizer(features, items.present[[0, 2]]).modalities
    assert torch.allclose(found.embedding, model.fusion(mixed, weights).embedding)
    assert not torch.allclose(found.embedding[0], view.fused.embedding[0])
