"""Embedded vector stores side by side: build, restart, filtered search at a recall, memory, bytes on disk.

    python benchmarks/vector_stores.py [--items 100000] [--width 256] [--stores m5kit,faiss,usearch] [--json]

Every store is built in one process and searched in another, so that a restart is a restart and memory is its own. The
vectors are synthetic: 1,000 clusters with a spread of 64 directions, as embeddings have, of unit length. A query is an
item with noise. Recall is that of the ten nearest against an exact search under the same filter. The stores use the
cores that they find; the numbers of one run are comparable with each other only.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _arguments import at_least, some_of
from _stores import STORES

BLOCK = 50_000
QUERIES, TOP = 100, 10
FILTERS = {"all": 100.0, "half": 50.0, "1 %": 1.0}
"""By name, the price below which an item must be; prices are even between 0 and 100."""


def main() -> None:
    """Build and search every store, print one row for each filter."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=at_least(1), default=100_000)
    parser.add_argument("--width", type=at_least(1), default=256)
    parser.add_argument("--stores", type=some_of(STORES), default=",".join(STORES))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", nargs=3, metavar=("build|search", "STORE", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        step, store, folder = arguments.step
        print(json.dumps((build if step == "build" else search)(store, Path(folder), arguments.items, arguments.width)))
        return
    rows = []
    for store in arguments.stores:
        rows.append(measure(store, arguments.items, arguments.width))
        if not arguments.json:
            show(rows[-1])
    if arguments.json:
        print(json.dumps(rows))


def measure(store: str, items: int, width: int) -> dict[str, Any]:
    """All figures of one store."""
    with tempfile.TemporaryDirectory() as folder:
        found = {"store": store}
        for step in ("build", "search"):
            command = [sys.executable, "-m", "m5kit.cli._run_benchmark", __file__, "--step", step, store, folder]
            command += ["--items", str(items), "--width", str(width)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found[step] = json.loads(done.stdout.splitlines()[-1])
        return found


def build(store: str, folder: Path, items: int, width: int) -> dict[str, float]:
    """Write all items, block by block, and the store's index."""
    opened = STORES[store](folder, width)
    insert, busy = 0.0, 0.0
    for start in range(0, items, BLOCK):
        vectors, prices = block(start, min(BLOCK, items - start), width)
        begin, worked = time.perf_counter(), time.process_time()
        opened.add(start, vectors, prices)
        insert += time.perf_counter() - begin
        busy += time.process_time() - worked
    begin, worked = time.perf_counter(), time.process_time()
    opened.finish()
    index, busy = time.perf_counter() - begin, busy + time.process_time() - worked
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {"insert": insert, "index": index, "busy": busy, "mib": size / 2**20, "peak": peak()}


def search(store: str, folder: Path, items: int, width: int) -> dict[str, Any]:
    """Open the store again, and search under each filter, once to warm it and then for the figures."""
    queries, truth = exact(items, width)
    before = peak()
    begin = time.perf_counter()
    opened = STORES[store](folder, width)
    opened.search(queries[0], TOP, FILTERS["half"])
    restart = time.perf_counter() - begin
    figures = {}
    for name, price in FILTERS.items():
        opened.search(queries[0], TOP, price)
        seconds, hits, worked = [], 0, time.process_time()
        for query, right in zip(queries, truth[name], strict=True):
            begin = time.perf_counter()
            found = opened.search(query, TOP, price)
            seconds.append(time.perf_counter() - begin)
            hits += len(set(found) & set(right))
        p50, p99 = np.percentile(seconds, [50, 99]) * 1000
        busy = (time.process_time() - worked) / len(queries) * 1000
        figures[name] = {"p50": float(p50), "p99": float(p99), "busy": busy, "recall": hits / (TOP * len(queries))}
    return {"restart": restart, "peak": peak() - before, "filters": figures}


def block(start: int, count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and prices of some items; the same ones in every process."""
    shape = np.random.default_rng(0)
    centres = shape.standard_normal((1000, width), dtype=np.float32)
    spread = shape.standard_normal((64, width), dtype=np.float32) / 8
    rng = np.random.default_rng([1, start])
    vectors = centres[rng.integers(1000, size=count)] + rng.standard_normal((count, 64), dtype=np.float32) @ spread
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), rng.random(count) * 100


def exact(items: int, width: int) -> tuple[np.ndarray, dict[str, list[list[int]]]]:
    """Queries, and by filter the items that an exact search finds for each."""
    first, _ = block(0, min(BLOCK, items), width)
    rng = np.random.default_rng(2)
    queries = first[:QUERIES] + 0.02 * rng.standard_normal((QUERIES, width), dtype=np.float32)
    best: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {name: [] for name in FILTERS}
    for start in range(0, items, BLOCK):
        vectors, prices = block(start, min(BLOCK, items - start), width)
        scores = queries @ vectors.T
        for name, price in FILTERS.items():
            allowed = np.where(prices < price, scores, -np.inf)
            top = np.argpartition(-allowed, TOP, axis=1)[:, :TOP]
            best[name].append((np.take_along_axis(allowed, top, axis=1), top + start))
    truth = {}
    for name, parts in best.items():
        scores, numbers = np.hstack([part[0] for part in parts]), np.hstack([part[1] for part in parts])
        order = np.argsort(-scores, axis=1)[:, :TOP]
        truth[name] = np.take_along_axis(numbers, order, axis=1).tolist()
    return queries, truth


def peak() -> float:
    """MiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def show(row: dict[str, Any]) -> None:
    """Print one store."""
    built, searched = row["build"], row["search"]
    print(
        f"{row['store']}: insert {built['insert']:.1f} s, index {built['index']:.1f} s ({built['busy']:.0f} s of "
        f"processors), {built['mib']:.0f} MiB on disk, peak {built['peak']:.0f} MiB; restart to first answer "
        f"{searched['restart'] * 1000:.0f} ms, peak of searching {searched['peak']:.0f} MiB",
        flush=True,
    )
    for name, figures in searched["filters"].items():
        print(
            f"  {name:5} p50 {figures['p50']:7.1f} ms  p99 {figures['p99']:7.1f} ms  processors {figures['busy']:7.1f}"
            f" ms  recall {figures['recall']:.3f}"
        )


if __name__ == "__main__":
    main()
