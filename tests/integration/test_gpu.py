"""What only a GPU does: ``pytest -m gpu`` on a machine that has one."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from m5kit.models.backbone import Backbone
from m5kit.models.pretrainer import Pretrainer
from m5kit.optimizers.adamw import AdamWBuilder
from m5kit.registry import BALANCERS, ENCODERS, FUSIONS, HARMONIZERS, TASKS
from m5kit.structures import Batch, Inputs
from m5kit.training.optim import parameter_groups
from m5kit.training.step import TrainStep, guarded_step

DEVICE = torch.device("cuda")
ROOT = Path(__file__).parents[2]
NAMES, DIM, ITEMS = ("image", "text"), 32, 6

pytestmark = pytest.mark.gpu


def make_batch(first=0):
    """Pictures and words of some items, one of which has no picture and one no words."""
    generator = torch.Generator().manual_seed(first)
    rows = {"image": [0, 1, 2, 4, 5], "text": [0, 1, 3, 4, 5]}
    inputs = {
        "image": Inputs.stack([Inputs.single(_pixels(generator), length=1) for _ in rows["image"]]),
        "text": Inputs.stack([Inputs.single(_words(generator, 3 + row)) for row in rows["text"]]),
    }
    present = torch.tensor([[row in rows[m] for m in NAMES] for row in range(ITEMS)])
    ids = tuple(str(first + row) for row in range(ITEMS))
    return Batch(ids, NAMES, present, inputs, positions=torch.arange(first, first + ITEMS))


def _pixels(generator):
    return torch.randint(0, 256, (3, 16, 16), generator=generator, dtype=torch.uint8)


def _words(generator, count):
    return torch.randint(3, 20, (count,), generator=generator)


@pytest.fixture
def model():
    torch.manual_seed(0)
    settings = {
        "image": {"type": "image_patches", "size": 16, "patch": 8},
        "text": {"type": "text_tokens", "vocabulary": 20, "max_tokens": 12, "mask_id": 2},
    }
    small = {"dim": DIM, "layers": 1, "heads": 2, "dropout": 0.0}
    backbone = Backbone(
        encoders={m: ENCODERS.build(small | settings[m]) for m in NAMES},
        fusion=FUSIONS.build({"type": "scale"}, dim=DIM, modalities=NAMES, layers=1, heads=2, dropout=0.0),
        harmonizer=HARMONIZERS.build({"type": "agreement"}, modalities=NAMES),
        features=DIM,
    )
    facts = {"dim": DIM, "features": DIM, "modalities": NAMES}
    tasks = {
        "contrastive": TASKS.build({"type": "contrastive"}, **facts),
        "words": TASKS.build({"type": "masked_tokens", "modality": "text", "vocabulary": 20, "rate": 0.5}, **facts),
    }
    balancer = BALANCERS.build({"type": "fixed"}, tasks=tuple(tasks))
    return Pretrainer(backbone=backbone, tasks=tasks, weights=dict.fromkeys(tasks, 1.0), balancer=balancer).train()


def steps(model, precision, count=3):
    """Losses of some steps with the optimizer that runs have."""
    optimizer = AdamWBuilder().build(parameter_groups(model, 1e-3, 0.01))
    step = TrainStep(model, optimizer, clip=1.0, precision=precision, seed=0)
    return [step([make_batch(number * ITEMS)])["loss"] for number in range(count)]


@pytest.mark.parametrize(("precision", "near"), [("fp32", 1e-3), ("bf16", 5e-2)])
def test_steps_are_those_of_a_host(model, precision, near):
    expected = steps(deepcopy(model), "fp32")
    found = steps(model.to(DEVICE), precision)
    assert_close(torch.stack(found).cpu(), torch.stack(expected), rtol=near, atol=near)


def test_a_step_never_waits_for_the_device(model):
    model.to(DEVICE)
    step = TrainStep(model, AdamWBuilder().build(parameter_groups(model, 1e-3, 0.01)), 1.0, "bf16", 0)
    batches = [make_batch(number * ITEMS).pin_memory() for number in range(4)]
    step(batches[:1])
    step(batches[1:2])  # by now all memory and all kernels are there
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(batches[2:3])
        step(batches[3:4])
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_pinned_batches_stay_pinned_and_arrive_whole():
    batch = make_batch()
    pinned = batch.pin_memory()
    for part in (pinned, *pinned.chunks(2)):
        assert all(inputs.values.is_pinned() for inputs in part.inputs.values())
    for modality, inputs in pinned.to(DEVICE).inputs.items():
        assert inputs.values.device.type == DEVICE.type
        assert torch.equal(inputs.values.cpu(), batch.inputs[modality].values)


def test_the_fused_optimizer_skips_on_the_device_what_is_not_finite():
    weights = [nn.Parameter(torch.linspace(-1, 1, 8, device=device)) for device in ("cpu", DEVICE)]
    for number, finite in enumerate((True, False, True)):
        for parameter in weights:
            if number == 0:
                parameter.optimizer = AdamWBuilder().build([{"params": [parameter], "lr": 0.1, "weight_decay": 0.0}])
            parameter.grad = torch.full_like(parameter, number + 1.0)
            guarded_step(parameter.optimizer, torch.tensor(finite, device=parameter.device))
    assert_close(weights[1].cpu(), weights[0])


def run_steps(data, path, processes, *overrides):
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    words = [sys.executable, *(launcher if processes > 1 else []), "tools/train.py", "demo/scale", "--data", str(data)]
    words += ["--run-dir", str(path)]
    for override in ("data.workers=0", "schedule.max_steps=6", "logging.every_steps=1", *overrides):
        words += ["--set", override]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line)["loss"] for line in (path / "metrics.jsonl").read_text().splitlines()]


def test_a_run_in_bf16_with_compiled_blocks_learns_as_one_in_fp32(demo, tmp_path):
    fast = run_steps(demo, tmp_path / "fast", 1, "schedule.precision=bf16", "schedule.compile=true")
    plain = run_steps(demo, tmp_path / "plain", 1)
    assert fast == pytest.approx(plain, rel=0.1)


@pytest.mark.parametrize("shard", ["false", "true"])
def test_two_gpus_compute_what_one_computes(demo, tmp_path, shard):
    if torch.cuda.device_count() < 2:
        pytest.skip("this machine has one GPU")
    exact = [f"encoder_{m}.dropout=0" for m in ("text", "table", "image", "video", "audio")] + ["fusion.dropout=0"]
    one = run_steps(demo, tmp_path / "one", 1, *exact)
    assert run_steps(demo, tmp_path / "two", 2, *exact, f"parallel.shard={shard}") == pytest.approx(one, rel=1e-2)
