"""Memory and time of an exact search through a gallery that lies on the disk.

    python benchmarks/large_gallery.py [--items 1000000] [--width 64] [--queries 1000] [--k 10] [--backend torch]

The vectors are generated block by block into an npy file in a folder of its own, which is deleted at the end. The
search reads the file where it lies (memory-mapped), so its peak is a few blocks whatever the size; what the system
keeps of the file in its cache is not the process's. The peak is what the process held beyond its size before.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _arguments import at_least, check_depth

from m5kit.evaluation.functional.search import BACKENDS, top_k

BLOCK = 65_536


def main() -> None:
    """Make the gallery, search it, check a few queries against all scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=at_least(1), default=1_000_000)
    parser.add_argument("--width", type=at_least(1), default=64)
    parser.add_argument("--queries", type=at_least(1), default=1000)
    parser.add_argument("--k", type=at_least(1), default=10)
    parser.add_argument("--backend", choices=BACKENDS, default="torch")
    arguments = parser.parse_args()
    check_depth("--k", arguments.k, arguments.items)
    with tempfile.TemporaryDirectory() as folder:
        gallery = make(Path(folder) / "gallery.npy", arguments.items, arguments.width)
        queries = np.random.default_rng(1).normal(size=(arguments.queries, arguments.width)).astype(np.float32)
        top_k(queries[:2], gallery[:1000], arguments.k, backend=arguments.backend)  # libraries are loaded before
        seconds, peak, found = measured(lambda: top_k(queries, gallery, arguments.k, backend=arguments.backend))
        check(queries[:3], gallery, found[:3])
    size = arguments.items * arguments.width * 4 / 2**20
    print(
        f"{arguments.queries} queries in {arguments.items} x {arguments.width} ({size:.0f} MiB), k={arguments.k}, "
        f"{arguments.backend}, {torch.get_num_threads()} threads: {seconds:.1f} s, at most {peak:.0f} MiB more"
    )


def make(path: Path, items: int, width: int) -> np.ndarray:
    """Write random vectors and map them."""
    rng = np.random.default_rng(0)
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(items, width))
    for start in range(0, items, BLOCK):
        count = min(BLOCK, items - start)
        written[start : start + count] = rng.standard_normal((count, width), dtype=np.float32)
    written.flush()
    del written
    return np.load(path, mmap_mode="r")


def measured(run: Callable[[], np.ndarray]) -> tuple[float, float, np.ndarray]:
    """Seconds, MiB of memory of its own that the process held at most beyond what it held before, and the outcome."""
    before, peak, done = anonymous(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    return seconds, max(0.0, peak[0] - before), found


def anonymous() -> float:
    """MiB that belong to this process alone, pages of mapped files not counted."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def check(queries: np.ndarray, gallery: np.ndarray, found: np.ndarray) -> None:
    """Stop unless the hits are as near as the nearest by the definition."""
    for query, positions in zip(queries, found, strict=True):
        scores = gallery @ query
        best = np.sort(scores)[::-1][: len(positions)]
        if not np.allclose(scores[positions], best, rtol=1e-5):
            raise SystemExit("the search missed something, so its time says nothing")


if __name__ == "__main__":
    main()
