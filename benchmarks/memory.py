"""Memory of a training process: what `m5kit config check --ranks` predicts against what real steps hold.

    python benchmarks/memory.py [CONFIG]

Prints, for two batch sizes and for one and two processes (gloo), the bytes that are predicted from the first items of
the demo set, those that the first process really holds at the end of the forward passes of later steps, and their
ratio. Parameters, gradients and the optimizer's state are exact by construction, so their ratio is 1. Nothing is timed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from torch.autograd.graph import saved_tensors_hooks

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config
from m5kit.data.demo.make import make_demo
from m5kit.parallel.start import start_group
from m5kit.training.memory import predict_memory
from m5kit.training.optim import build_optimizer
from m5kit.training.step import TrainStep

STEPS, SKIPPED = 4, 2
"""Steps that are measured, and steps before them whose items the prediction may have seen."""


def main() -> None:
    """Compare, and fail where a prediction is off by more than 15 %."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default="demo/scale")
    name = parser.parse_args().config
    load_config(name)  # before items are made, so that a name that is none is told at once
    worst = 0.0
    print(f"{name}\nprocesses  batch  activations predicted  held by a step  ratio  all predicted  all held  ratio")
    with tempfile.TemporaryDirectory() as folder:
        make_demo(Path(folder), items=600, seed=1)
        for ranks in (1, 2):
            for batch in (32, 128):
                config = _config(name, folder, batch)
                found, held = predict_memory(config, ranks, read=True).replicas, _measure(name, folder, batch, ranks)
                own, whole = found.activations / held["activations"], found.total / held["total"]
                print(
                    f"{ranks:9}  {batch:5}  {_mib(found.activations):>21}  {_mib(held['activations']):>14}  {own:5.2f}"
                    f"  {_mib(found.total):>13}  {_mib(held['total']):>8}  {whole:5.2f}",
                    flush=True,
                )
                worst = max(worst, abs(own - 1), abs(whole - 1))
    print(f"largest deviation: {100 * worst:.0f} %")
    raise SystemExit(worst > 0.15)


def _config(name: str, folder: str, batch: int):
    return check_config(load_config(name, ["data.workers=0", f"schedule.batch_size={batch}"], Path(folder)))


def _measure(name: str, folder: str, batch: int, ranks: int) -> dict[str, int]:
    """What the first of several processes holds."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    own = [__file__, "--held", name, folder, str(batch)]
    done = subprocess.run([*launcher, *own], capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def held(name: str, folder: str, batch: int) -> None:
    """Take real steps as one of the processes, and let the first print what it held."""
    group = start_group(timeout=300)
    config = _config(name, folder, batch)
    data = RunData.fitted(config)
    torch.manual_seed(0)
    model = build_model(config, data.transforms, data.classes).train()
    optimizer = build_optimizer(model, config.optimizer, 1e-4, 0.01, config.rates)
    step = TrainStep(model, optimizer, 1.0, "fp32", 0, group, batch)
    kept = []
    with group.joined():
        for number, part in zip(range(SKIPPED + STEPS), data.train_loader(group.rank, group.size), strict=False):
            if number >= SKIPPED:
                kept.append(_kept(model, partial(step, [part])))
    if group.first:
        print(json.dumps({"activations": int(mean(kept)), "total": int(mean(kept)) + _fixed(model, optimizer, group)}))


def _fixed(model, optimizer, group) -> int:
    """Bytes that do not depend on the items."""
    weights = sum(each.nbytes for each in (*model.parameters(), *model.buffers()))
    gradients = sum(each.nbytes for each in model.parameters() if each.requires_grad)
    states = optimizer.state_dict()["state"].values()
    state = sum(value.nbytes for own in states for value in own.values() if torch.is_tensor(value))
    return weights + gradients * (2 if group.size > 1 else 1) + state


def _kept(model, run) -> int:
    """Bytes that autograd holds when it holds most."""
    owned = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    found = {}

    def keep(tensor):
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in owned:
            # Until backward begins nothing that is saved is freed, so an address stands for one piece of memory.
            found.setdefault(memory.data_ptr(), memory.nbytes())
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    return sum(found.values())


def _mib(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--held"]:
        held(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        main()
