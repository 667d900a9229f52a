"""Parts are found by the names of the config, and frozen ones stay as they are."""

import torch

from m5kit.models.finetuner import Finetuner
from m5kit.models.parts import freeze, named_parts
from m5kit.registry import HEADS
from m5kit.training.optim import parameter_groups
from m5kit.training.step import TrainStep

EVERY = ("audio", "image", "table", "text", "video")


def finetuner(backbone):
    head = HEADS.build({"type": "classification", "hidden": 12}, dim=16, modalities=EVERY, classes=3)
    return Finetuner(backbone=backbone(), head=head, label="kind")


def test_parts_have_the_names_of_the_config(backbone):
    model = finetuner(backbone)
    parts = named_parts(model)
    assert sorted(parts) == sorted([*(f"encoder_{m}" for m in EVERY), "fusion", "harmonizer", "head"])
    assert parts["encoder_text"] is model.backbone.encoders["text"]
    assert parts["head"] is model.head


def test_a_step_leaves_frozen_parts_and_their_dropout_alone(backbone, batch):
    model = finetuner(backbone)
    freeze(model, ["encoder_text", "fusion"])
    before = {name: value.clone() for name, value in model.named_parameters()}
    model.train()
    assert not model.backbone.fusion.training
    assert model.backbone.encoders["image"].training
    optimizer = torch.optim.SGD(parameter_groups(model, lr=0.1, weight_decay=0.0))
    TrainStep(model, optimizer, clip=None, precision="fp32", seed=0)([batch([EVERY, EVERY])])
    changed = {name for name, value in model.named_parameters() if not value.equal(before[name])}
    assert not any(name.startswith(("backbone.encoders.text", "backbone.fusion")) for name in changed)
    assert any(name.startswith("backbone.encoders.image") for name in changed)
    assert any(name.startswith("head") for name in changed)


def test_what_is_learned_of_public_vectors_belongs_to_the_head(backbone):
    head = HEADS.build({"type": "classification", "hidden": 12}, dim=16, modalities=EVERY, classes=3)
    model = Finetuner(backbone=backbone(), head=head, label="kind", vectors=True)
    groups = parameter_groups(model, lr=1.0, weight_decay=0.0, rates={"head": 3.0})
    fast = {id(parameter) for group in groups if group["lr"] == 3.0 for parameter in group["params"]}
    assert {id(each.weight) for each in model.additions.values()} < fast
    freeze(model, ["head"])
    assert not any(parameter.requires_grad for parameter in [*model.head.parameters(), *model.additions.parameters()])
