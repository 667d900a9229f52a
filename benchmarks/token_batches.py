"""What batches of so many tokens gain over batches of so many items, on a catalogue with very uneven texts.

Both train the same model on the same items, once through; `schedule.tokens` is what 32 items have on average. Printed
are processor time, slots of padded grids over tokens, and the bytes that a step keeps for its backward pass: those of
the largest batch, and how many times those of the smallest. Batches are made before the clock starts. Run it on one
thread.

Run: OMP_NUM_THREADS=1 python benchmarks/token_batches.py [--items 256] [--rounds 3]
"""

import argparse
import json
import tempfile
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from _arguments import at_least
from _measure import compare

from m5kit.assembly.data import RunData
from m5kit.assembly.item_sizes import item_sizes
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config
from m5kit.nn.saved_bytes import saved_bytes
from m5kit.parallel.allocation import keep_freed_memory
from m5kit.structures import Batch
from m5kit.training.optim import build_optimizer
from m5kit.training.step import TrainStep

BATCH = 32
LONGEST = 256
"""Words of the longest text."""


def main() -> None:
    """Compare both on the same items."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=at_least(BATCH), default=256)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as training does
    with tempfile.TemporaryDirectory() as folder:
        make_catalogue(Path(folder), arguments.items)
        measure(Path(folder), arguments.rounds)


def make_catalogue(folder: Path, items: int) -> None:
    """Texts of 1 to 256 words, most of them short, and tables of some of the items."""
    draws = np.random.default_rng(0)
    with (folder / "annotations.jsonl").open("w") as file:
        for number in range(items):
            words = min(int(draws.lognormal(3.0, 1.2)) + 1, LONGEST)
            row = {
                "id": str(number),
                "split": "pretrain",
                "text": " ".join(f"w{draws.integers(500)}" for _ in range(words)),
            }
            if number % 3:
                row["table"] = {f"key{place}": f"w{draws.integers(500)}" for place in range(draws.integers(1, 8))}
            file.write(json.dumps(row) + "\n")


def measure(folder: Path, rounds: int) -> None:
    """Print what one pass over the items takes in either way."""
    overrides = ["data.workers=0", f"schedule.batch_size={BATCH}", f"input_text.transform.max_tokens={LONGEST}"]
    overrides += [f"encoder_{modality}=none" for modality in ("audio", "image", "video")]
    config = check_config(load_config("demo/scale", overrides, folder))
    data = RunData.fitted(config)
    torch.manual_seed(0)
    model = build_model(config, data.transforms, data.classes).train()
    sizes = item_sizes(data, model)
    tokens = max(int(BATCH * sizes.mean()), int(sizes.max()))
    alike = list(islice(data.train_loader(), len(sizes) // BATCH))
    schedule = config.schedule.model_copy(update={"tokens": tokens})
    by_tokens = first_pass(replace(data, config=replace(config, schedule=schedule)), sizes)
    optimizer = build_optimizer(model, config.optimizer, 1e-4, 0.01)
    step = TrainStep(model, optimizer, 1.0, "fp32", 0)

    def train(batches: list[Batch]) -> None:
        for batch in batches:
            step([batch])

    print(
        f"{len(sizes)} items of {sizes.min()} to {sizes.max()} tokens, {sizes.mean():.0f} on average; "
        f"batches of {BATCH} items or of {tokens} tokens"
    )
    for name, batches in (("items", alike), ("tokens", by_tokens)):
        kept = [sum(kept_by(model, batch)) for batch in batches]
        slots, real = padding(model, batches)
        print(
            f"by {name:6}: {len(batches)} batches, {sum(map(len, batches))} items; {slots / real:.2f} slots a token; "
            f"largest batch {max(kept) / 2**20:.1f} MiB, {max(kept) / min(kept):.2f} times the smallest"
        )
    ratio = compare(lambda: train(alike), lambda: train(by_tokens), rounds)
    share = sum(map(len, alike)) / sum(map(len, by_tokens))
    print(f"processor time an item, tokens over items: {ratio.value * share:.2f} (noise {ratio.noise:.0%})")


def first_pass(data: RunData, sizes: np.ndarray) -> list[Batch]:
    """The batches of so many tokens of one pass; what is left over belongs to the next."""
    found, seen = [], 0
    for batch in data.train_loader(sizes=sizes):
        seen += len(batch)
        if seen > len(sizes):
            return found
        found.append(batch)
    raise AssertionError("training batches have no end")


def kept_by(model, batch: Batch) -> list[int]:
    """Bytes of what a step keeps for its backward pass."""
    with saved_bytes(model) as found:
        part = model.prepare(batch, 0)
        model.partial_loss(part, part.counts)
    return found


def padding(model, batches: list[Batch]) -> tuple[int, int]:
    """Slots of the grids of all encoders, and tokens in them."""
    slots = real = 0
    for batch in batches:
        for observed in model.backbone.observe(batch).values():
            slots += observed.values.shape[0] * observed.values.shape[1]
            real += int(observed.lengths.sum())
    return slots, real


if __name__ == "__main__":
    main()
