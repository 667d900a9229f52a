"""How fast data comes, and whether training waits for it.

Prints, for a config and a data folder: milliseconds an item of every modality (decoding, then transform), items a
second that the loader alone delivers, items a second that the model alone consumes from memory, and their ratio. A
ratio above 1.3 means that training hardly waits; `data_wait` in a run's metrics.jsonl is the share of time that it did
wait. Caches are off unless ``--cached`` leaves them as the config has them: a cached input is neither decoded nor
augmented.

Run: python benchmarks/loading.py --data demo [--config demo/scale] [--set KEY=VALUE]... [--steps 20]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from _arguments import at_least

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config
from m5kit.runs.folder import RunFolder
from m5kit.training.optim import build_optimizer
from m5kit.training.step import TrainStep


def modality_times(data: RunData, count: int) -> None:
    """Print the cost of an item, modality by modality, in this process."""
    samples = data.samples(*data.config.data.train)
    for name, pipeline in data.pipelines.items():
        decoding = preparing = items = 0.0
        for i in range(min(count, len(samples))):
            reference = pipeline.reference(samples[i], name)
            if reference is None:
                continue
            started = time.perf_counter()
            decoded = pipeline.decoder(reference, data.root)
            between = time.perf_counter()
            pipeline.transform(decoded, np.random.default_rng(i))
            decoding, preparing, items = (
                decoding + between - started,
                preparing + time.perf_counter() - between,
                items + 1,
            )
        print(f"{name:8s} decode {1000 * decoding / items:6.2f} ms   transform {1000 * preparing / items:6.2f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--steps", type=at_least(1), default=20)
    parser.add_argument("--cached", action="store_true", help="leave the caches as the config has them")
    arguments = parser.parse_args()
    config = check_config(load_config(arguments.config, arguments.overrides, arguments.data))
    if not arguments.cached:
        closed = [f"input_{modality}.cache=false" for modality, given in config.inputs.items() if given.get("cache")]
        config = check_config(load_config(arguments.config, [*arguments.overrides, *closed], arguments.data))
    with tempfile.TemporaryDirectory() as temporary:
        data = RunData.prepare(config, RunFolder.create(Path(temporary) / "run"))
    modality_times(data, 100)

    stream = iter(data.train_loader())
    batches = [next(stream) for _ in range(4)]  # the workers are warm, their queues full
    started = time.perf_counter()
    for _ in range(arguments.steps):
        next(stream)
    loader = arguments.steps * config.schedule.batch_size / (time.perf_counter() - started)
    del stream

    network, schedule = build_model(config, data.transforms, data.classes), config.schedule
    optimizer = build_optimizer(network, config.optimizer, schedule.lr, schedule.weight_decay)
    train_step = TrainStep(network, optimizer, schedule.clip, schedule.precision, config.seed)
    train_step((batches[0],))
    started = time.perf_counter()
    for step in range(arguments.steps):
        train_step((batches[step % 4],))
    model = arguments.steps * config.schedule.batch_size / (time.perf_counter() - started)
    print(f"loader alone, {config.data.workers} workers  {loader:7.1f} items/s")
    print(f"model alone, {torch.get_num_threads()} threads   {model:7.1f} items/s")
    print(f"loader / model          {loader / model:7.2f}")


if __name__ == "__main__":
    main()
