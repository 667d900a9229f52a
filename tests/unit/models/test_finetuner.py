"""Fine-tuning trains the head and everything below it."""

import pytest
import torch

from m5kit.models.embedder import embed
from m5kit.models.finetuner import Finetuner
from m5kit.registry import HEADS

EVERY = ("audio", "image", "table", "text", "video")


@pytest.fixture
def finetuner(backbone):
    base = backbone()
    config = {"type": "classification", "hidden": 12, "dropout": 0.0}
    head = HEADS.build(config, dim=16, modalities=EVERY, classes=3)
    return Finetuner(backbone=base, head=head, label="kind").eval()


def test_a_few_steps_fit_a_few_items(finetuner, batch):
    items = batch([EVERY, ("text", "image"), ("table",), EVERY, ("audio",), ("video", "text")])
    optimizer = torch.optim.AdamW(finetuner.parameters(), lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        finetuner.loss(items, 0).loss.backward()
        optimizer.step()
    assert finetuner.predict(items).argmax(1).tolist() == items.targets["kind"].tolist()


def test_the_embedding_is_the_heads_hidden_layer(finetuner, batch):
    items = batch([EVERY, ("text",)])
    fused = finetuner.backbone(items).fused
    expected = torch.nn.functional.normalize(finetuner.head.embed(fused), dim=-1)
    assert torch.allclose(embed(finetuner, items).fused, expected, atol=1e-6)


def test_embeddings_have_unit_length_or_are_zero(finetuner, batch):
    vectors = embed(finetuner, batch([EVERY, (), ("audio",)]))
    assert torch.allclose(vectors.fused.norm(dim=1), torch.tensor([1.0, 0.0, 1.0]))
    assert torch.allclose(vectors.contrastive.norm(dim=1), torch.tensor([1.0, 0.0, 1.0]))
    assert vectors.scores is not None
    assert vectors.scores.shape == (3, 3)


def test_something_else_cannot_be_embedded(batch):
    with pytest.raises(TypeError, match="got Linear"):
        embed(torch.nn.Linear(1, 1), batch([EVERY]))
