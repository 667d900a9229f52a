"""A step that is not finite changes nothing; the others are plain optimizer steps."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW
from torch.testing import assert_close

from m5kit.models.backbone import Backbone
from m5kit.models.base import MicroBatch, Model, PartialLoss
from m5kit.models.pretrainer import Pretrainer
from m5kit.parallel.shares import shares
from m5kit.registry import BALANCERS, ENCODERS, FUSIONS, HARMONIZERS, TASKS
from m5kit.structures import Batch, Inputs, Mean
from m5kit.training.step import TrainStep, guarded_step


class Towards(Model):
    """Pulls one parameter towards the positions of the items; an item at position 99 is infinite."""

    objectives = ("pull",)

    def __init__(self):
        super().__init__()
        self.at = nn.Parameter(torch.zeros(3))

    def prepare(self, batch, seed):
        return MicroBatch(batch, {"pull": float(len(batch))}, seed)

    def partial_loss(self, part, totals):
        goals = part.batch.positions.double().where(part.batch.positions != 99, torch.inf)
        loss = (self.at[:, None] - goals.float()).square().sum() / totals["pull"]
        return PartialLoss(loss, loss.detach()[None], None, {"loss/pull": Mean(loss.detach(), part.counts["pull"])})


def batch(*positions):
    count = len(positions)
    present = torch.ones(count, 1, dtype=torch.bool)
    return Batch(("x",) * count, ("a",), present, {}, positions=torch.tensor(positions))


OPTIMIZERS = {
    "fused": lambda p: AdamW(p, lr=0.1, fused=True),
    "plain": lambda p: AdamW(p, lr=0.1),
    "momentum": lambda p: SGD(p, lr=0.1, momentum=0.9),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_step_that_is_not_finite_leaves_parameters_and_state_alone(kind):
    model = Towards()
    optimizer = OPTIMIZERS[kind](model.parameters())
    step = TrainStep(model, optimizer, 1.0, "fp32", 0)
    step([batch(1, 2)])
    weights = model.at.detach().clone()
    state = {name: value.clone() for name, value in optimizer.state[model.at].items() if value is not None}
    assert not step([batch(1), batch(99)])["loss"].isfinite()
    assert torch.equal(model.at, weights)
    assert all(torch.equal(optimizer.state[model.at][name], value) for name, value in state.items())
    step([batch(1, 2)])
    assert not torch.equal(model.at, weights)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_finite_step_is_the_optimizers_own(kind):
    one, other = Towards(), Towards()
    ours, theirs = OPTIMIZERS[kind](one.parameters()), OPTIMIZERS[kind](other.parameters())
    for number in range(4):
        for model, optimizer in ((one, ours), (other, theirs)):
            model.at.grad = torch.full((3,), float(number))
            guarded_step(ours, torch.tensor(True)) if optimizer is ours else optimizer.step()
    assert torch.equal(one.at, other.at)


def test_the_mean_is_over_the_items_of_all_micro_batches():
    model = Towards()
    logs = TrainStep(model, SGD(model.parameters(), lr=0.5), None, "fp32", 0)([batch(1, 2, 3), batch(10)])
    assert model.at.tolist() == [4.0] * 3
    assert logs["loss"] == 3 * (1 + 4 + 9 + 100) / 4


MODALITIES = ("a", "b")


def compares(dropout=0.0, harmonizer="agreement"):
    """A small pretrainer over two features, whose only task compares items."""
    torch.manual_seed(0)
    small = {"dim": 16, "heads": 2, "layers": 1, "dropout": dropout}
    backbone = Backbone(
        encoders={m: ENCODERS.build({"type": "features", "width": 6, "max_tokens": 4} | small) for m in MODALITIES},
        fusion=FUSIONS.build({"type": "concat"}, modalities=MODALITIES, **small),
        harmonizer=HARMONIZERS.build({"type": harmonizer}, modalities=MODALITIES),
        features=16,
    )
    tasks = {"contrastive": TASKS.build({"type": "contrastive"})}
    balancer = BALANCERS.build({"type": "fixed"}, tasks=tuple(tasks))
    return Pretrainer(backbone=backbone, tasks=tasks, weights={"contrastive": 1.0}, balancer=balancer).train()


def features(first, count):
    """Items that are the same in whatever batch they come."""
    generator = torch.Generator().manual_seed(3)
    values = {m: torch.randn(40, 4, 6, generator=generator)[first : first + count] for m in MODALITIES}
    inputs = {m: Inputs(given, torch.full((count,), 4)) for m, given in values.items()}
    positions = torch.arange(first, first + count)
    return Batch(("x",) * count, MODALITIES, torch.ones(count, 2, dtype=torch.bool), inputs, positions=positions)


def weights_after(batches, dropout=0.0, **options):
    model = compares(dropout)
    step = TrainStep(model, SGD(model.parameters(), lr=0.5), None, "fp32", 0, **options)
    torch.manual_seed(7)
    logs = [step(batches), step(batches)]
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]), logs


def test_chunks_take_the_step_of_the_whole_batch():
    whole, logs = weights_after([features(0, 10)])
    chunked, others = weights_after([features(0, 10)], chunk=4)
    assert_close(chunked, whole, rtol=1e-5, atol=1e-6)
    for one, other in zip(logs, others, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert_close(other[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_micro_batches_in_chunks_are_compared_together():
    whole, _ = weights_after([features(0, 10)])
    together, _ = weights_after([features(0, 5), features(5, 5)], chunk=64)
    apart, _ = weights_after([features(0, 5), features(5, 5)])
    assert_close(together, whole, rtol=1e-5, atol=1e-6)
    assert (apart - whole).abs().max() > 1e-4


def test_a_step_that_fits_into_a_chunk_is_the_same_to_the_bit():
    whole, _ = weights_after([features(0, 10)], dropout=0.2)
    chunked, _ = weights_after([features(0, 10)], dropout=0.2, chunk=10)
    assert torch.equal(chunked, whole)


def test_a_model_without_comparing_tasks_adds_up_its_chunks():
    whole, cut = Towards(), Towards()
    items = replace(batch(1, 2, 30, 4, 5), inputs={"a": Inputs(torch.zeros(5, 1), torch.ones(5, dtype=torch.int64))})
    for model, chunk in ((whole, None), (cut, 2)):
        step = TrainStep(model, SGD(model.parameters(), lr=0.1), None, "fp32", 0, chunk=chunk)
        step([items])
    assert_close(cut.at, whole.at)


def test_processes_with_different_numbers_of_chunks_take_the_same_step(on_ranks):
    whole, _ = weights_after([features(0, 11)])

    def one_process(group):
        sizes = shares(11, group.size)
        own = features(sum(sizes[: group.rank]), sizes[group.rank])
        return weights_after([own], group=group, batch_size=11, chunk=5)[0]

    for found in on_ranks(2, one_process):  # of 6 and 5 items, so of two chunks and of one
        assert_close(found, whole, rtol=1e-5, atol=1e-6)


def test_items_count_alike_in_steps_of_different_sizes():
    moved = []
    for positions in ((4, 4, 4, 4, 4, 4), (4, 4, 4), (4,)):
        model = Towards()
        TrainStep(model, SGD(model.parameters(), lr=0.01), None, "fp32", 0, batch_size=None, items=3)(
            [batch(*positions)]
        )
        moved.append(float(model.at.detach()[0]))
    assert moved == pytest.approx([2 * moved[1], 0.08, moved[1] / 3])


def test_processes_learn_from_each_other_how_many_items_they_have(on_ranks):
    """Micro-batches of 11 and of 5 items, as batches of so many tokens have them, whole and in chunks."""
    for chunk in (None, 4):
        whole, _ = weights_after([features(0, 11), features(11, 5)], batch_size=None, items=10, chunk=chunk)

        def one_process(group, chunk=chunk):
            parts = []
            for before, size in ((0, 11), (11, 5)):
                sizes = shares(size, group.size)
                parts.append(features(before + sum(sizes[: group.rank]), sizes[group.rank]))
            return weights_after(parts, group=group, batch_size=None, items=10, chunk=chunk)[0]

        for found in on_ranks(2, one_process):
            assert_close(found, whole, rtol=1e-5, atol=1e-6)
