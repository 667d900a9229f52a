"""What `cache: true` gains: opening and preparing an item's media anew, against reading what was prepared once.

For every modality of a config: both ways are checked to give the same inputs, then timed in turns (A B B A) over the
same items in one process. Prints milliseconds of processor time an item, and their ratio as the median, least and most
of the rounds.

Run: python benchmarks/prepared.py --data demo [--config demo/scale] [--items 200] [--rounds 7]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from _arguments import at_least

from m5kit.assembly.data import RunData
from m5kit.config import check_config, load_config
from m5kit.data.cache.reader import cached
from m5kit.data.cache.store import CacheStore
from m5kit.data.pipeline import Pipeline
from m5kit.runs.folder import RunFolder
from m5kit.structures import Inputs


def reader(pipeline: Pipeline, root: Path) -> Callable[[Any], Inputs]:
    """Prepare one reference as evaluation does."""
    return lambda reference: pipeline.transform(pipeline.decoder(reference, root))


def seconds(read: Callable[[Any], Inputs], references: Sequence[Any]) -> float:
    """An item's share of the processor time of one pass."""
    started = time.process_time()
    for reference in references:
        read(reference)
    return (time.process_time() - started) / len(references)


def compare(
    anew: Callable[[Any], Inputs], stored: Callable[[Any], Inputs], references: Sequence[Any], rounds: int
) -> str:
    """Milliseconds of both, and the ratio, in words."""
    for reference in references:
        stored(reference)
        assert torch.equal(anew(reference).values, stored(reference).values)
    pairs = []
    for number in range(rounds):
        order = [anew, stored] if number % 2 == 0 else [stored, anew]
        times = {read: seconds(read, references) for read in order}
        pairs.append((times[anew], times[stored]))
    a, b = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(one / other for one, other in pairs)
    spread = f"({ratios[0]:.1f} to {ratios[-1]:.1f})"
    return f"anew {a:7.2f} ms   cached {b:6.2f} ms   ratio {statistics.median(ratios):5.1f} {spread}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--items", type=at_least(1), default=200)
    parser.add_argument("--rounds", type=at_least(1), default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = check_config(load_config(arguments.config, data=arguments.data))
    with tempfile.TemporaryDirectory() as temporary:
        data = RunData.prepare(config, RunFolder.create(Path(temporary) / "run"))
        store = CacheStore(Path(temporary) / "cache.sqlite", 10**10)
        samples = data.samples(*config.data.train)
        for modality, pipeline in data.pipelines.items():
            found = (pipeline.reference(samples[i], modality) for i in range(min(arguments.items, len(samples))))
            references = [reference for reference in found if reference is not None]
            through = cached(pipeline, config.inputs[modality], store)
            both = reader(pipeline, data.root), reader(through, data.root)
            print(f"{modality:8s} {compare(*both, references, arguments.rounds)}")


if __name__ == "__main__":
    main()
