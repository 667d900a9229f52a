"""Given features and frozen towers: step 0 scores what they score alone, and what is learned is added."""

import torch
from torch.nn.functional import normalize
from torch.testing import assert_close

from m5kit.models.backbone import Backbone
from m5kit.models.pretrainer import Pretrainer
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


def trained(steps):
    model, (batch, target) = model_of(), descriptors()
    step = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        part = model.prepare(batch, 0)
        step.zero_grad()
        model.partial_loss(part, part.counts).loss.backward()
        step.step()
    return model.eval(), batch, target


def test_before_training_the_public_vectors_are_the_given_ones():
    model, (batch, _) = model_of().eval(), descriptors()
    found = model.embed(batch)
    for m in NAMES:
        assert_close(found.vectors(m), raw(batch.inputs[m]))
        assert_close(found.vectors(f"{m}.given"), raw(batch.inputs[m]))
    both = torch.cat([raw(batch.inputs[m]) for m in NAMES], dim=1)
    assert_close(found.vectors("given"), normalize(both, dim=1))


def test_training_adds_to_them_and_does_not_fall_below():
    model, batch, target = trained(60)
    found = model.embed(batch)
    for m in NAMES:
        assert not torch.allclose(found.vectors(m), found.vectors(f"{m}.given"), atol=1e-3)
        assert precision(found.vectors(m), target) >= precision(found.vectors(f"{m}.given"), target) - 0.025


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
