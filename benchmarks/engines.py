"""Shards made by Ray Data on a cluster of this machine against those made by a pool of processes, after start-up.

Pictures of 800 pixels become JPEGs of 224; the bytes of the shards are compared. Both engines take all processors.
Start-up is left out: an engine's pace is that between its first finished shards, one for each process, and its last.
The engines take turns (A B B A), and each one's paces among themselves tell the noise. Time is that of the clock, as
work is spread over processes: comparable only on a machine with nothing else to do.

Run: python benchmarks/engines.py [--items 2000] [--rounds 3]
"""

import argparse
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from _arguments import at_least
from PIL import Image

from m5kit.data.shards.engines import Pool, ShardEngine
from m5kit.data.shards.prepare import ShardProgress, prepare
from m5kit.data.shards.ray_shards import RayShards
from m5kit.data.sources.opening import open_items

SHARD = 50
"""Items of a shard."""


def write_shop(folder: Path, items: int) -> None:
    """Pictures of texture, each a little different, and a manifest."""
    random = np.random.default_rng(0)
    texture = random.integers(0, 255, (200, 200, 3)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    lines = []
    for number in range(items):
        Image.fromarray(np.roll(texture, number, 0)).save(folder / f"{number}.jpg", quality=88)
        lines.append(f'{{"id": "{number}", "split": "train", "image": "{number}.jpg", "text": "mug {number}"}}\n')
    (folder / "annotations.jsonl").write_text("".join(lines), encoding="utf-8")


def pace(engine: ShardEngine, jobs: int, shop: Path, out: Path) -> float:
    """Items a second, without start-up."""
    told: list[tuple[float, int]] = []

    def report(progress: ShardProgress) -> None:
        told.append((time.monotonic(), progress.items))

    small = {"image": {"type": "jpeg", "size": 224}}
    dataset = open_items(shop, ("image", "text"))
    prepare(dataset, out, ("image", "text"), source=shop, prepared=small, items=SHARD, engine=engine, report=report)
    began, first = told[jobs - 1]
    ended, last = told[-1]
    return (last - first) / (ended - began)


def main() -> None:
    """Measure and print."""
    jobs = os.cpu_count() or 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=at_least(SHARD * (jobs + 1)), default=2000)
    parser.add_argument("--rounds", type=at_least(1), default=3)
    options = parser.parse_args()
    paces: dict[str, list[float]] = {"pool": [], "ray": []}
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        shop.mkdir()
        write_shop(shop, options.items)
        engines = {"pool": Pool(jobs), "ray": RayShards(partial(open_items, shop, ("image", "text")))}
        made: dict[str, bytes] = {}
        for number in range(options.rounds):
            for name in ("pool", "ray") if number % 2 == 0 else ("ray", "pool"):
                out = Path(folder) / f"{name}{number}"
                paces[name].append(pace(engines[name], jobs, shop, out))
                made[name] = b"".join(path.read_bytes() for path in sorted(out.glob("*.tar")))
            assert made["pool"] == made["ray"]
    ratios = sorted(ray / pool for pool, ray in zip(paces["pool"], paces["ray"], strict=True))
    noise = max(max(each) / min(each) for each in paces.values())
    a, b = (statistics.median(paces[name]) for name in ("pool", "ray"))
    print(f"pool {a:.0f} and ray {b:.0f} items a second on {jobs} processors; ", end="")
    print(f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}); ", end="")
    print(f"one engine against itself at most {noise:.2f}")


if __name__ == "__main__":
    main()
