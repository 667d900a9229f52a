"""Opening and reading a manifest of many rows: processor seconds, memory, rows a second, here and in a fresh worker.

Run: python benchmarks/manifest.py --rows 1000000 [--format arrow|parquet|jsonl]

A manifest of made-up rows is written and read back, each step in a process of its own, so that memory is that step's.
"private" is memory of the process alone; pages of the mapped file are shared by all processes and given back at need.
"""

import argparse
import pickle
import re
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from _arguments import at_least


def main() -> None:
    """Print one Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=at_least(1), default=100_000)
    parser.add_argument("--format", choices=("arrow", "parquet", "jsonl"), default="arrow")
    parser.add_argument("--reads", type=at_least(1), default=5_000, help="rows read at random")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        path = Path(folder) / f"annotations.{options.format}"
        processes.apply(write, (path, options.rows))
        pickled, opened = processes.apply(open_it, (path,))
        read = processes.apply(read_it, (pickled, options.reads))
        print(f"{options.rows:,} rows, {options.format}, {path.stat().st_size / 2**20:,.0f} MiB; ", end="")
        print(f"a pickle for a worker is {len(pickled) / 2**20:,.1f} MiB\n")
    print("| step | processor seconds | private MiB more | rows a second |\n|---|--:|--:|--:|")
    print(f"| open and check | {opened[0]:.1f} | {opened[1]:.0f} | {options.rows / opened[0]:,.0f} |")
    print(f"| worker, first row | {read['first'][0]:.3f} | {read['first'][1]:.0f} | |")
    print(f"| worker, random rows | {read['more'][0]:.1f} | {read['more'][1]:.0f} | ", end="")
    print(f"{options.reads / read['more'][0]:,.0f} |")


def write(path: Path, rows: int) -> None:
    """Write the made-up rows as an importer would."""
    from m5kit.data.importers.writer import ManifestWriter

    with ManifestWriter(path.parent, path.suffix[1:]) as writer:
        for number in range(rows):
            writer.add(_row(number))


def _row(number: int) -> dict[str, Any]:
    return {
        "id": f"item-{number:09d}",
        "split": "train" if number % 5 else "gallery",
        "image": f"images/{number:09d}.jpg" if number % 50 else None,
        "text": f"a made-up title of product {number}, in some forty letters or more",
        "table": {"brand": f"b{number % 999}", "size": number % 40, "colour": "red"},
        "labels": {"coarse": f"c{number % 4000}"},
    }


def open_it(path: Path) -> tuple[bytes, tuple[float, float]]:
    """Open and check the manifest; its pickle, and what opening took."""
    from m5kit.data.manifest import read_manifest

    took: dict[str, Any] = {}
    measured = _measure(lambda: took.update(manifest=read_manifest(path)))
    return pickle.dumps(took["manifest"]), measured


def read_it(pickled: bytes, reads: int) -> dict[str, tuple[float, float]]:
    """Read rows at random, as a worker would."""
    import m5kit.data.manifest  # noqa: F401  (its imports are not what is measured)

    took: dict[str, Any] = {}
    first = _measure(lambda: took.update(manifest=(opened := pickle.loads(pickled)), row=opened[0]))
    manifest = took["manifest"]
    numbers = np.random.default_rng(0).integers(len(manifest), size=reads).tolist()
    return {"first": first, "more": _measure(lambda: [manifest[number] for number in numbers][:0])}


def _measure(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds, and MiB of private memory that stay taken."""
    before, start = _private(), time.process_time()
    work()
    return time.process_time() - start, _private() - before


def _private() -> float:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\s+(\d+)", text)[1]) / 1024


if __name__ == "__main__":
    main()
