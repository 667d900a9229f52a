"""Items augmented twice: what a task that asks for it sees of them."""

from dataclasses import replace

import torch
from torch.testing import assert_close

from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import BALANCERS
from m5kit.structures import Inputs
from m5kit.tasks.within_contrastive import WithinContrastiveTask

ROWS = [("image", "text"), ("image",), ("image", "text"), ()]
ALL = ("audio", "image", "table", "text", "video")


def twice(batch):
    """The batch with its pictures turned as a second augmentation, the rest as it is."""
    inputs = {m: replace(part, again=part) for m, part in batch.inputs.items()}
    pictures = inputs["image"]
    inputs["image"] = replace(pictures, again=Inputs(pictures.values.flip(-1), pictures.lengths))
    return replace(batch, inputs=inputs)


def test_the_second_pass_is_that_of_the_second_inputs(backbone, batch):
    model, given = backbone().eval(), twice(batch(ROWS))
    other = replace(given, inputs={m: part.again for m, part in given.inputs.items()})
    assert_close(model.features_again(given), model(other).features)


def test_parts_of_a_batch_take_their_second_inputs_along(batch):
    part = twice(batch(ROWS)).take(torch.tensor([2, 0]))
    assert_close(part.inputs["image"].again.values, part.inputs["image"].values.flip(-1))
    assert part.augmented_again().ids == ("2", "0")


def test_what_was_not_augmented_again_is_absent_from_the_second_pass(batch):
    given = twice(batch(ROWS))
    inputs = dict(given.inputs)
    inputs["text"] = replace(inputs["text"], again=None)
    assert set(replace(given, inputs=inputs).augmented_again().inputs) == {"image"}


def test_a_model_gives_the_second_pass_to_the_task_that_asks(backbone, batch):
    task = WithinContrastiveTask(modalities=ALL)
    balancer = BALANCERS.build({"type": "fixed"}, tasks=("within",))
    model = Pretrainer(backbone=backbone(), tasks={"within": task}, weights={"within": 1.0}, balancer=balancer)
    part = model.prepare(twice(batch(ROWS)), 0)
    loss = model.partial_loss(part, part.counts)
    assert loss.loss > 0
    loss.loss.backward()
    assert model.backbone.projections["image"][0].weight.grad.abs().sum() > 0
    once = model.prepare(batch(ROWS), 0)
    assert model.partial_loss(once, once.counts).loss == 0
