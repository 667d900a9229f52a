"""What several processes compute differs from what one computes by rounding alone, however training enlarges it."""

from dataclasses import replace

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from m5kit.config import load_config
from m5kit.data.demo.make import make_demo
from m5kit.parallel.group import Group
from m5kit.structures import Batch
from m5kit.training import run as training
from m5kit.training.setup import TrainingPlan

STEPS = 20
EXACT = [f"encoder_{m}.dropout=0" for m in ("text", "table", "image", "video", "audio")] + ["fusion.dropout=0"]
SETTINGS = [*EXACT, f"schedule.max_steps={STEPS}", "data.workers=0", "evaluation=none", "validation.every_steps=0"]

pytestmark = pytest.mark.slow


def in_double(batch):
    """The same numbers in double precision."""
    inputs = {}
    for m, part in batch.inputs.items():
        inputs[m] = replace(part, values=part.values.double() if part.values.is_floating_point() else part.values)
    return replace(batch, inputs=inputs)


def in_another_order(batch):
    """The same items; every sum over them has another order."""
    return batch.take(torch.randperm(len(batch), generator=torch.Generator().manual_seed(int(batch.positions[0]))))


def train_once(group, demo, run, change=lambda batch: batch):
    """Train, and leave a checkpoint; every batch is changed when it comes to the device."""
    resolved, to, set_up = load_config("demo/scale", SETTINGS, demo), Batch.to, training.set_up

    def begin(*arguments):
        setup = set_up(*arguments)
        patch.setattr(Batch, "to", lambda batch, device: change(to(batch, device)))
        if change is in_double:
            setup.model.double()
            patch.setattr(torch.Tensor, "float", torch.Tensor.double)
            torch.set_default_dtype(torch.float64)
        return setup

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "set_up", begin)
        try:
            training.train(TrainingPlan(resolved, run, resume=False), Console(quiet=True), group)
        finally:
            torch.set_default_dtype(torch.float32)


def difference(one, other):
    """The largest of any weight of two runs."""
    ours, theirs = (load_file(run / "checkpoints" / f"step_{STEPS:07d}" / "model.safetensors") for run in (one, other))
    return max(float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours if ours[name].numel())


@pytest.fixture(scope="module")
def many_items(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "demo"
    make_demo(folder, items=600, seed=0, workers=1)
    return folder


def test_in_double_precision_two_processes_give_the_weights_of_one(on_ranks, many_items, tmp_path):
    train_once(Group(), many_items, tmp_path / "one", in_double)
    on_ranks(2, train_once, many_items, tmp_path / "two", in_double, limit=400.0)
    assert difference(tmp_path / "one", tmp_path / "two") <= 1e-10


def test_in_single_precision_they_differ_no_more_than_one_process_from_itself(on_ranks, many_items, tmp_path):
    train_once(Group(), many_items, tmp_path / "one")
    train_once(Group(), many_items, tmp_path / "permuted", in_another_order)
    on_ranks(2, train_once, many_items, tmp_path / "two", limit=400.0)
    noise = difference(tmp_path / "one", tmp_path / "permuted")
    found = difference(tmp_path / "one", tmp_path / "two")
    assert found <= 2 * noise
