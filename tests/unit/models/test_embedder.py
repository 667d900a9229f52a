"""Vectors to compare items by: of unit length, or as they are."""

import pytest
import torch

from m5kit.models.embedder import embed
from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import BALANCERS


def test_unscaled_is_the_fused_vector_before_it_gets_unit_length(backbone, batch):
    model = backbone().eval()
    items = batch([("text", "image"), (), ("audio",)])
    embedding = embed(
        Pretrainer(backbone=model, tasks={}, weights={}, balancer=BALANCERS.build({"type": "fixed"}, tasks=())), items
    )
    torch.testing.assert_close(embedding.unscaled, model(items).fused.embedding)
    torch.testing.assert_close(embedding.fused * embedding.unscaled.norm(dim=1, keepdim=True), embedding.unscaled)
    assert embedding.fused.norm(dim=1).tolist() == pytest.approx([1, 0, 1])
