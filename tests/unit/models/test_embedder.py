"""Vectors to compare items by: of unit length, or as they are."""

from dataclasses import replace

import pytest
import torch

from m5kit.errors import ConfigError
from m5kit.models.pretrainer import Pretrainer
from m5kit.models.spaces import FEATURE
from m5kit.registry import BALANCERS, DESCRIPTORS, TASKS


def test_unscaled_is_the_fused_vector_before_it_gets_unit_length(backbone, batch):
    model = backbone().eval()
    items = batch([("text", "image"), (), ("audio",)])
    balancer = BALANCERS.build({"type": "fixed"}, tasks=())
    embedding = Pretrainer(backbone=model, tasks={}, weights={}, balancer=balancer).embed(items)
    torch.testing.assert_close(embedding.unscaled, model(items).fused.embedding)
    torch.testing.assert_close(embedding.fused * embedding.unscaled.norm(dim=1, keepdim=True), embedding.unscaled)
    assert embedding.fused.norm(dim=1).tolist() == pytest.approx([1, 0, 1])


def test_an_item_vector_has_unit_length_however_many_modalities_there_are(backbone, batch):
    model = backbone().eval()
    items = batch([("text", "image", "table"), (), ("audio",)])
    balancer = BALANCERS.build({"type": "fixed"}, tasks=())
    embedding = Pretrainer(backbone=model, tasks={}, weights={}, balancer=balancer).embed(items)
    assert embedding.item.norm(dim=1).tolist() == pytest.approx([1, 0, 1])
    assert embedding.modalities["audio"].norm(dim=1).tolist() == pytest.approx([0, 0, 1])
    assert torch.equal(embedding.vectors("audio"), embedding.modalities["audio"])
    with pytest.raises(ConfigError, match="there is no 'smell'; choose one of item, fused"):
        embedding.vectors("smell")


def test_a_modality_is_its_own_vector_beside_its_feature(backbone, batch):
    model = backbone().eval()
    model.taught.fill_(True)
    items = batch([("text", "image"), ("image",)])
    balancer = BALANCERS.build({"type": "fixed"}, tasks=())
    image = Pretrainer(backbone=model, tasks={}, weights={}, balancer=balancer).embed(items).modalities["image"]
    view = model(items)
    feature = torch.nn.functional.normalize(view.features[:, model.modalities.index("image")], dim=1)
    own = torch.nn.functional.normalize(view.vectors["image"], dim=1)
    torch.testing.assert_close(image * (1 + FEATURE**2) ** 0.5, torch.cat([own, FEATURE * feature], dim=1))


def test_an_item_with_several_rows_gets_the_mean_of_their_vectors_at_unit_length(backbone, batch):
    balancer = BALANCERS.build({"type": "fixed"}, tasks=())
    model = Pretrainer(backbone=backbone().eval(), tasks={}, weights={}, balancer=balancer).eval()
    rows = batch([("text",), ("image", "text"), ("image", "text"), ("image", "text"), ()])
    alone = model.embed(rows)
    together = model.embed(replace(rows, owners=torch.tensor([0, 1, 1, 1, 2])))
    for space in ("item", "fused", "contrastive", "image"):
        mean = alone.vectors(space)[1:4].mean(0)
        torch.testing.assert_close(
            together.vectors(space)[1], mean / mean.norm().clamp(min=1e-12), rtol=1e-4, atol=1e-5
        )
        torch.testing.assert_close(together.vectors(space)[[0, 2]], alone.vectors(space)[[0, 4]], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together.unscaled[1], alone.unscaled[1:4].mean(0), rtol=1e-4, atol=1e-5)
    assert together.weights.shape == (3, alone.weights.shape[1])


def test_features_that_nothing_taught_are_in_no_public_vector(backbone, batch):
    model = backbone().eval()
    items = batch([("text", "image"), ("image",)])
    task = TASKS.build({"type": "contrastive", "view": "clean"})
    balancer = BALANCERS.build({"type": "fixed"}, tasks=("contrastive",))
    pretrainer = Pretrainer(
        backbone=model, tasks={"contrastive": task}, weights={"contrastive": 1.0}, balancer=balancer
    )
    before = pretrainer.embed(items)
    assert not before.item[:, : model.features].any()
    assert not before.modalities["image"][:, -model.features :].any()
    pretrainer.train().loss(batch([("text", "image")] * 2), 0)
    after = pretrainer.eval().embed(items)
    assert after.item[:, : model.features].any(dim=1).all()
    assert after.modalities["image"][:, -model.features :].any(dim=1).all()


def test_modalities_are_searched_by_what_was_learned_and_what_is_common(backbone, batch):
    pixels = {m: DESCRIPTORS.build({"type": "pixels", "cells": 2, "patches": 1}) for m in ("image", "video")}
    model = backbone(descriptors=pixels, common=3).eval()
    for m in pixels:
        torch.nn.init.normal_(model.vectors.common.get_buffer(f"map_{m}"))
    items = batch([("image",), ("image", "video"), ("audio",), ()])
    balancer = BALANCERS.build({"type": "fixed"}, tasks=())
    pretrainer = Pretrainer(backbone=model, tasks={}, weights={}, balancer=balancer).eval()
    # Random features are left out: what is not described has nothing yet.
    learned, common = pretrainer.embed(items).contrastive.split((model.features, 3), dim=1)
    assert not learned.any()
    assert common.norm(dim=1).tolist() == pytest.approx([1, 1, 0, 0])
    model.taught.fill_(True)
    learned, common = pretrainer.embed(items).contrastive.split((model.features, 3), dim=1)
    assert learned.norm(dim=1).tolist() == pytest.approx([0.5**0.5, 0.5**0.5, 1, 0])
    assert common.norm(dim=1).tolist() == pytest.approx([0.5**0.5, 0.5**0.5, 0, 0])
