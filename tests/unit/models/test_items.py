"""The item space begins as the sum of its parts, and whatever the fusion, a loss reaches what it adds."""

import torch

from m5kit.models.items import ItemSpace
from m5kit.models.pretrainer import Pretrainer
from m5kit.nn.parts import sum_of_parts
from m5kit.registry import BALANCERS, TASKS

ROWS = [("audio", "image", "text"), ("image", "table", "video"), ("text", "video"), ("audio",), ()]


def _pretrainer(backbone):
    return Pretrainer(
        backbone=backbone,
        tasks={"completion": TASKS.build({"type": "completion"})},
        weights={"completion": 1.0},
        balancer=BALANCERS.build({"type": "fixed"}, tasks=("completion",)),
    )


def test_an_untrained_fusion_adds_nothing(backbone, batch, fusion):
    view = backbone(fusion).eval()(batch(ROWS))
    torch.testing.assert_close(view.items, sum_of_parts(view.features, view.present.float()))
    assert not view.items[-1].any()


def test_every_fusion_learns_from_its_embedding(backbone, batch, fusion):
    model = _pretrainer(backbone(fusion, harmonizer="uniform"))
    torch.nn.init.ones_(model.backbone.items.gate)
    model.loss(batch(ROWS), 0).loss.backward()
    learning = [name for name, p in model.backbone.fusion.named_parameters() if p.grad is not None and p.grad.any()]
    assert learning or fusion == "mean"  # its embedding is a mean of what goes in, without a parameter
    assert model.backbone.items.addition.weight.grad.any()


def test_nothing_before_the_fusion_learns_from_completion(backbone, batch):
    model = _pretrainer(backbone(harmonizer="uniform"))
    torch.nn.init.ones_(model.backbone.items.gate)
    model.loss(batch(ROWS), 0).loss.backward()
    for part in (model.backbone.encoders, model.backbone.vectors, model.backbone.projections):
        assert all(p.grad is None or not p.grad.any() for p in part.parameters())


def test_the_addition_starts_at_zero_and_gets_a_gradient(backbone, batch):
    model = _pretrainer(backbone(harmonizer="uniform"))
    assert not model.backbone.items.gate.any()
    model.loss(batch(ROWS), 0).loss.backward()
    assert model.backbone.items.gate.grad.any()


def test_the_gate_is_the_length_of_what_is_added():
    space = ItemSpace(dim=2, features=2)
    space.addition.weight.data = 100 * torch.eye(2)
    features = torch.tensor([[[3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    embedding, trust = torch.tensor([[0.0, 5.0], [0.0, 5.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(space(features, embedding, trust)[0], torch.tensor([1.0, 0.0]))
    space.gate.data.fill_(0.75)
    items = space(features, embedding, trust)
    torch.testing.assert_close(items[0], torch.tensor([0.8, 0.6]))
    assert not items[1].any()  # whatever the fusion makes of an item with nothing
