"""However a step's items are cut into micro-batches, the gradient is the same."""

import pytest
import torch

from m5kit.models.finetuner import Finetuner
from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import BALANCERS, HEADS, TASKS
from m5kit.training.step import TrainStep

EVERY = ("audio", "image", "table", "text", "video")
# items without anything, without text and image, and with no label among them: some micro-batches have nothing to learn
ROWS = [EVERY, ("text", "image"), (), ("audio", "video"), ("table",), EVERY, ("audio",), ("image", "text", "table")]
CUTS = {"1x8": [8], "2x4": [4, 4], "4x2": [2] * 4, "8x1": [1] * 8, "5+3": [5, 3]}
TASKS_ALIKE = {
    "text": {"type": "masked_tokens", "modality": "text", "vocabulary": 20, "rate": 0.4, "reads": "both"},
    "table": {"type": "masked_entities", "modality": "table", "vocabulary": 20, "rate": 0.5},
    "image": {"type": "masked_features", "modality": "image", "observed": 192, "rate": 0.5},
    "audio": {"type": "masked_features", "modality": "audio", "observed": 32, "rate": 0.5, "turns": True},
    "video": {"type": "masked_features", "modality": "video", "observed": 192, "unit": "group", "turns": True},
    "alignment": {"type": "alignment", "between": ("image", "text")},
}


class KeepsGradients(torch.optim.SGD):
    """Changes nothing and remembers the gradients it was given."""

    def step(self):
        (group,) = self.param_groups
        self.seen = [None if p.grad is None else p.grad.clone() for p in group["params"]]


def pretrainer(backbone, balancer, tasks=TASKS_ALIKE):
    torch.manual_seed(0)
    facts = {"dim": 16, "features": 16, "modalities": EVERY}
    built = {name: TASKS.build(config, **facts) for name, config in tasks.items()}
    weights = {name: 1.0 + number / 2 for number, name in enumerate(built)}
    balancer = BALANCERS.build({"type": balancer}, tasks=tuple(built))
    return Pretrainer(backbone=backbone(), tasks=built, weights=weights, balancer=balancer)


def step(model, batch, cut):
    """Gradients by name, logs and the balancer's state after one step."""
    optimizer = KeepsGradients(model.parameters(), lr=0.0)
    batches = [batch.take(items) for items in torch.arange(len(batch)).split(cut)]
    logs = TrainStep(model, optimizer, None, "fp32", 3)(batches)
    return dict(zip(dict(model.named_parameters()), optimizer.seen, strict=True)), logs


def assert_same(one, other):
    """Both gradients, each seen as one long vector, differ by less than 1e-6 of their length."""
    for given in (one, other):
        assert any(value is not None and value.any() for value in given.values())
    off, length = torch.zeros(()), torch.zeros(())
    for name, value in one.items():
        # nobody there: no gradient, or a sum of nothing
        value, found = (torch.zeros(()) if each is None else each for each in (value, other[name]))
        off, length = off + (value - found).square().sum(), length + value.square().sum()
    assert (off / length).sqrt() < 1e-6


@pytest.mark.parametrize("cut", list(CUTS)[1:])
@pytest.mark.parametrize("balancer", ["fixed", "uncertainty", "gradnorm", "dwa"])
def test_tasks_that_compare_no_items_weigh_them_alike_under_every_balancer(backbone, batch, balancer, cut):
    gradients, logs, states = [], [], []
    for sizes in (CUTS["1x8"], CUTS[cut]):
        model = pretrainer(backbone, balancer).train()
        for seed in (0, 50):  # the second step has what the balancer learned from the first
            found, log = step(model, batch(ROWS, seed), sizes)
        gradients.append(found)
        logs.append(log)
        states.append(model.balancer.state_dict())
    assert_same(*gradients)
    assert logs[0].keys() == logs[1].keys()
    for name, value in logs[0].items():
        torch.testing.assert_close(logs[1][name], value, rtol=1e-5, atol=1e-6)
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cut", list(CUTS)[1:])
def test_labelled_items_weigh_alike(backbone, batch, cut):
    items = batch(ROWS)
    items.targets["kind"].copy_(torch.tensor([0, -1, 1, -1, -1, 2, -1, -1]))
    gradients = []
    for sizes in (CUTS["1x8"], CUTS[cut]):
        torch.manual_seed(0)
        head = HEADS.build(
            {"type": "classification", "hidden": 12, "dropout": 0.0}, dim=16, modalities=EVERY, classes=3
        )
        model = Finetuner(backbone=backbone(), head=head, label="kind").train()
        gradients.append(step(model, items, sizes)[0])
    assert_same(*gradients)


def test_an_item_is_hidden_alike_in_any_batch(backbone, batch):
    model, items = pretrainer(backbone, "fixed"), batch(ROWS)
    whole = model.prepare(items, 3)
    for order in (torch.arange(8).flip(0), torch.tensor([5, 0]), torch.tensor([7])):
        part = model.prepare(items.take(order), 3)
        for modality, shown in part.observations["masked"].items():
            column = items.modalities.index(modality)
            rows = (items.present[:, column].cumsum(0) - 1)[order[items.present[order, column]]]
            assert torch.equal(shown.values, whole.observations["masked"][modality].values[rows])


def test_a_loss_of_zero_is_present_if_something_was_counted(backbone, batch):
    """Presence follows from what there is to learn, not from how well it was learned."""
    model = pretrainer(backbone, "dwa", {"text": TASKS_ALIKE["text"], "alignment": TASKS_ALIKE["alignment"]})
    model.tasks["text"].score = lambda prediction, targets, weight: type(model.tasks["text"]).score(
        model.tasks["text"], prediction * 0, targets, prediction[:, 0] * 0
    )
    part = model.prepare(batch(ROWS), 0)
    assert part.counts["text"] > 0
    assert model.train().loss(batch(ROWS), 0).logs["loss/text"] == 0
    assert model.balancer.counts[0] == 1
