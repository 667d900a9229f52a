"""Whole runs of a config: what several processes compute differs from what one computes by rounding alone."""

from dataclasses import replace

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from m5kit.config import load_config
from m5kit.structures import Batch
from m5kit.training import run as training
from m5kit.training.setup import TrainingPlan
from m5kit.training.step import TrainStep

STEPS = 3
SETTINGS = [
    *(f"encoder_{m}.dropout=0" for m in ("audio", "image", "table", "text", "video")),
    "fusion.dropout=0",  # no two numbers of processes drop the same values
    "model.dim=16",
    "model.features=8",
    f"schedule.max_steps={STEPS}",
    "schedule.batch_size=9",  # which is not even for two
    "data.workers=0",
    "evaluation=none",
    "validation.every_steps=0",
]


def in_double(batch: Batch) -> Batch:
    inputs = {}
    for m, part in batch.inputs.items():
        inputs[m] = replace(part, values=part.values.double() if part.values.is_floating_point() else part.values)
    return replace(batch, inputs=inputs)


def train_in_double(group, demo, folder):
    """Train a run whose steps alone know nothing of single precision; its weights at the end."""
    set_up, step = training.set_up, TrainStep.__call__

    def begin(*arguments):
        setup = set_up(*arguments)
        setup.model.double()
        return setup

    def go(self, batches):
        # Only while a step is computed: transforms make filters when the first item comes, and would make others.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(torch.Tensor, "float", torch.Tensor.double)  # also what m5kit casts to single precision
            torch.set_default_dtype(torch.float64)
            try:
                return step(self, [in_double(batch) for batch in batches])
            finally:
                torch.set_default_dtype(torch.float32)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "set_up", begin)
        patch.setattr(TrainStep, "__call__", go)
        resolved = load_config("demo/scale", SETTINGS, demo)
        training.train(TrainingPlan(resolved, folder, resume=False), Console(quiet=True), group)
    return load_file(folder / "checkpoints" / f"step_{STEPS:07d}" / "model.safetensors")


@pytest.mark.slow
def test_in_double_precision_two_processes_train_the_weights_of_one(on_ranks, demo, tmp_path):
    [alone] = on_ranks(1, train_in_double, demo, tmp_path / "one", limit=120.0)  # a run sets threads of its process
    for weights in on_ranks(2, train_in_double, demo, tmp_path / "two", limit=120.0):
        assert weights.keys() == alone.keys()
        for name, theirs in alone.items():
            # In single precision some differ by 1e-4: of gradients that are all rounding Adam makes steps of full size.
            torch.testing.assert_close(weights[name], theirs, rtol=0, atol=1e-11, msg=name)


def test_an_error_of_a_part_says_what_can_be_done_with_the_run(demo, tmp_path, monkeypatch):
    def fail(self, batches):
        raise ZeroDivisionError

    monkeypatch.setattr(TrainStep, "__call__", fail)
    plan = TrainingPlan(load_config("demo/scale", SETTINGS, demo), tmp_path / "run", resume=False)
    with pytest.raises(ZeroDivisionError) as raised:
        training.train(plan, Console(quiet=True))
    assert (
        f"The run in {tmp_path / 'run'} ended early; it has no checkpoint yet: add --resume"
        in raised.value.__notes__[0]
    )
