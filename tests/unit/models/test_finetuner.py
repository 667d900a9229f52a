"""Fine-tuning trains the head and everything below it."""

import pytest
import torch

from m5kit.models.finetuner import Finetuner, fuse_alone
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
    assert torch.allclose(finetuner.embed(items).fused, expected, atol=1e-6)


def test_embeddings_have_unit_length_or_are_zero(finetuner, batch):
    vectors = finetuner.embed(batch([EVERY, (), ("audio",)]))
    assert torch.allclose(vectors.fused.norm(dim=1), torch.tensor([1.0, 0.0, 1.0]))
    assert torch.allclose(vectors.contrastive.norm(dim=1), torch.tensor([1.0, 0.0, 1.0]))
    assert vectors.scores is not None
    assert vectors.scores.shape == (3, 3)


def test_an_encoded_modality_is_fused_as_if_the_item_had_no_other(finetuner, batch, backbone, fusion):
    model = backbone(fusion).eval()
    items = batch([EVERY, ("text",), ("text", "image"), ("audio",)])
    seen, rows = fuse_alone(model, model(items), "text"), items.rows("text")
    expected = model(items.only(["text"])).fused
    torch.testing.assert_close(seen.pooled, expected.pooled[rows], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(seen.embedding, expected.embedding[rows], atol=1e-5, rtol=1e-4)


def test_the_loss_adds_that_of_each_modality_alone(finetuner, batch):
    items = batch([EVERY, ("text", "image"), ("audio",)])
    finetuner.alone = 0.5
    target = items.targets["kind"]
    together = torch.nn.functional.cross_entropy(finetuner.predict(items), target)
    alone = []
    for modality in EVERY:
        rows = items.rows(modality)
        scores = finetuner.predict(items.only([modality]))[rows]
        alone.append(torch.nn.functional.cross_entropy(scores, target[rows], reduction="none"))
    output = finetuner.loss(items, 0)
    torch.testing.assert_close(output.loss, together + 0.5 * torch.cat(alone).mean())
    torch.testing.assert_close(output.logs["loss/kind_alone"], torch.cat(alone).mean().detach())


def test_without_weight_only_all_modalities_together_are_asked(backbone, batch):
    head = HEADS.build({"type": "classification", "dropout": 0.0}, dim=16, modalities=EVERY, classes=3)
    model = Finetuner(backbone=backbone(), head=head, label="kind", alone=0.0).eval()
    items = batch([EVERY, ("text", "image")])
    expected = torch.nn.functional.cross_entropy(model.predict(items), items.targets["kind"])
    torch.testing.assert_close(model.loss(items, 0).loss, expected)
    assert model.objectives == ("kind",)


def test_items_without_label_teach_nothing_alone_either(finetuner, batch):
    items = batch([EVERY, ("text",)])
    items.targets["kind"][:] = -1
    assert finetuner.loss(items, 0).loss.item() == 0


@pytest.fixture
def informed(backbone):
    head = HEADS.build({"type": "classification", "hidden": 12, "dropout": 0.0}, dim=16, modalities=EVERY, classes=3)
    return Finetuner(backbone=backbone(), head=head, label="kind", vectors=True).eval()


def test_public_vectors_are_read_from_zero_and_learn(informed, batch):
    items = batch([EVERY, ("text", "image"), ("audio",)])
    torch.testing.assert_close(informed.predict(items), informed.head(informed.backbone(items).fused))
    informed.loss(items, 0).loss.backward()
    assert all(informed.additions[m].weight.grad.any() for m in EVERY)


def test_what_is_read_of_a_modality_alone_is_that_of_items_without_others(informed, batch):
    for each in informed.additions.values():
        torch.nn.init.normal_(each.weight, std=0.1, generator=torch.Generator().manual_seed(0))
    items = batch([EVERY, ("text", "image"), ("audio",)])
    before = informed.head(informed.backbone(items).fused)
    assert not torch.allclose(informed.predict(items), before)
    view, rows = informed.backbone(items), items.rows("text")
    alone = informed.head(informed._read_alone(view, "text"))
    torch.testing.assert_close(alone, informed.predict(items.only(["text"]))[rows], atol=1e-5, rtol=1e-4)


def test_an_item_with_nothing_is_read_without_vectors(informed, batch):
    for each in informed.additions.values():
        torch.nn.init.ones_(each.weight)
    items = batch([EVERY, ()])
    torch.testing.assert_close(informed.predict(items)[1], informed.head(informed.backbone(items).fused)[1])
