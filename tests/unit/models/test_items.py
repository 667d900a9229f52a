"""The item space begins as the sum of its parts, and whatever the fusion, a loss reaches what it adds."""

import torch

from m5kit.models.items import ItemSpace, sum_of_parts
from m5kit.models.pretrainer import Pretrainer
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
    torch.testing.assert_close(view.items, sum_of_parts(view.features))
    assert not view.items[-1].any()


def test_every_fusion_learns_from_its_embedding(backbone, batch, fusion):
    model = _pretrainer(backbone(fusion, harmonizer="uniform"))
    torch.nn.init.normal_(model.backbone.items.addition.weight)
    model.loss(batch(ROWS), 0).loss.backward()
    learning = [name for name, p in model.backbone.fusion.named_parameters() if p.grad is not None and p.grad.any()]
    assert learning or fusion == "mean"  # its embedding is a mean of what goes in, without a parameter
    assert model.backbone.items.addition.weight.grad.any()


def test_nothing_before_the_fusion_learns_from_completion(backbone, batch):
    model = _pretrainer(backbone(harmonizer="uniform"))
    torch.nn.init.normal_(model.backbone.items.addition.weight)
    model.loss(batch(ROWS), 0).loss.backward()
    for part in (model.backbone.encoders, model.backbone.vectors, model.backbone.projections):
        assert all(p.grad is None or not p.grad.any() for p in part.parameters())


def test_the_addition_starts_at_zero_and_gets_a_gradient(backbone, batch):
    model = _pretrainer(backbone(harmonizer="uniform"))
    assert not model.backbone.items.addition.weight.any()
    model.loss(batch(ROWS), 0).loss.backward()
    assert model.backbone.items.addition.weight.grad.any()


def test_items_are_directions():
    space = ItemSpace(dim=2, features=2)
    features = torch.tensor([[[3.0, 0.0], [0.0, 5.0]]])
    torch.testing.assert_close(space(features, torch.ones(1, 2)), torch.full((1, 2), 0.5**0.5))
