"""Given features and frozen towers: step 0 scores what they score alone, and training leaves them as they are."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize
from torch.testing import assert_close

from m5kit.models.backbone import Backbone
from m5kit.models.pretrainer import Pretrainer
from m5kit.models.spaces import SHARED_GIVEN
from m5kit.registry import BALANCERS, ENCODERS, FUSIONS, HARMONIZERS, TASKS
from m5kit.structures import Batch, Inputs

NAMES = ("image", "text")


def model_of(width=12, tokens=3):
    torch.manual_seed(0)
    encoders = {m: ENCODERS.build({"type": "features", "dim": 16, "width": width, "max_tokens": tokens}) for m in NAMES}
    backbone = Backbone(
        encoders=encoders,
        fusion=FUSIONS.build({"type": "mean"}, dim=16, modalities=NAMES),
        harmonizer=HARMONIZERS.build({"type": "uniform"}),
        features=8,
    )
    task = TASKS.build({"type": "contrastive", "view": "clean"}, modalities=NAMES, dim=16, features=8)
    balancer = BALANCERS.build({"type": "fixed"}, tasks=("contrastive",))
    return Pretrainer(backbone=backbone, tasks={"contrastive": task}, weights={"contrastive": 1.0}, balancer=balancer)


def descriptors(items=40, classes=4, width=12, tokens=3, seed=0):
    """Items of a few classes, described in each modality by features around a centre of the class."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.arange(items) % classes
    inputs = {}
    for m in NAMES:
        centres = 3 * torch.randn(classes, 1, width, generator=generator)
        lengths = torch.randint(1, tokens + 1, (items,), generator=generator)
        inputs[m] = Inputs(centres[target] + torch.randn(items, tokens, width, generator=generator), lengths)
    present = torch.ones(items, 2, dtype=torch.bool)
    return Batch(tuple(map(str, range(items))), NAMES, present, inputs), target


def raw(inputs):
    real = torch.arange(inputs.values.shape[1]) < inputs.lengths[:, None]
    return normalize((inputs.values * real[..., None]).sum(1) / inputs.lengths[:, None], dim=1)


def precision(vectors, target):
    """Share of items whose nearest neighbour is of their class."""
    likeness = (vectors @ vectors.T).fill_diagonal_(-2)
    return (target[likeness.argmax(1)] == target).float().mean().item()


def trained(steps, seed=0):
    model, (batch, target) = model_of(), descriptors(seed=seed)
    step = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        part = model.prepare(batch, 0)
        step.zero_grad()
        partial = model.partial_loss(part, part.counts)
        partial.loss.backward()
        step.step()
        model.observe([partial], part.counts, partial.loss.detach().isfinite())
    return model.eval(), batch, target


def test_before_training_the_public_vectors_are_the_given_ones():
    model, (batch, _) = model_of().eval(), descriptors()
    found = model.embed(batch)
    for m in NAMES:
        assert_close(found.vectors(m), raw(batch.inputs[m]))
        assert_close(found.vectors(f"{m}.given"), raw(batch.inputs[m]))
    both = normalize(torch.cat([raw(batch.inputs[m]) for m in NAMES], dim=1), dim=1)
    assert_close(found.vectors("given"), both)
    # the columns of what is shared are there, but empty
    assert_close(found.item, torch.nn.functional.pad(both, (8, 0)))


def test_training_changes_what_is_shared_and_leaves_the_given_vectors():
    model, batch, target = trained(60)
    found, before = model.embed(batch), model_of().eval().embed(batch)
    for m in NAMES:
        assert torch.equal(found.vectors(m), before.vectors(m))
    assert not torch.allclose(found.contrastive, before.contrastive, atol=1e-2)
    assert precision(found.item, target) >= precision(found.vectors("given"), target)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), steps=st.integers(0, 3))
def test_no_training_moves_a_cosine_of_items_from_that_of_the_given_vectors(seed, steps):
    """Whatever is learned: c given and f shared, the cosine is (c + w^2 f) / (1 + w^2)."""
    model, batch, _ = trained(steps, seed)
    found = model.embed(batch)
    before = found.vectors("given")
    furthest = 2 * SHARED_GIVEN**2 / (1 + SHARED_GIVEN**2)
    assert (found.item @ found.item.T - before @ before.T).abs().max() <= furthest + 1e-5
    for m in NAMES:
        assert_close(found.vectors(m), raw(batch.inputs[m]))


def test_items_without_a_common_modality_find_each_other_by_what_is_shared():
    model, batch, _ = trained(60)
    image, text = model.embed(batch.only(("image",))), model.embed(batch.only(("text",)))
    # nothing else overlaps, so the order is that of the contrastive space
    assert_close((image.item @ text.item.T).argsort(1), (image.contrastive @ text.contrastive.T).argsort(1))


def test_hidden_features_leave_the_given_vector():
    encoder, (batch, _) = model_of().backbone.encoders["image"].eval(), descriptors()
    seen = encoder.observe(batch.inputs["image"])
    hidden = type(seen)(torch.zeros_like(seen.values), seen.lengths, mean=seen.mean)
    assert_close(encoder.encode(hidden).given, encoder.encode(seen).given)


def test_absent_items_have_no_vector():
    model, (batch, _) = trained(5)[0], descriptors()
    lacking = batch.only(("text",))
    assert not model.embed(lacking).vectors("image").any()
    assert not model.embed(lacking).vectors("image.given").any()
