"""Inertia and processor time of our k-means against scikit-learn's, the same number of starts.

    python benchmarks/clustering.py [--starts 10] [--seeds 4]

Unit vectors around overlapping centres, as embeddings are. Both take turns in one process, and each time is that of
the whole process. A ratio below 1 is in our favour; noise is what a second run of scikit-learn costs against the first.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from _arguments import at_least
from sklearn.cluster import KMeans

from m5kit.evaluation.functional.kmeans import kmeans

SIZES = ((120, 256, 12), (1000, 64, 30), (2000, 128, 100), (5000, 256, 20), (5000, 64, 300))


def main() -> None:
    """Print one line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=at_least(1), default=10)
    parser.add_argument("--seeds", type=at_least(1), default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for items, width, clusters in SIZES:
        compare(vectors(items, width, clusters), clusters, arguments.starts, arguments.seeds)


def vectors(items: int, width: int, clusters: int) -> np.ndarray:
    """Unit vectors ``items width`` around as many centres as there are clusters."""
    rng = np.random.default_rng(items)
    centres = 0.5 * rng.normal(size=(clusters, width))
    drawn = centres[rng.integers(clusters, size=items)] + rng.normal(size=(items, width))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def compare(data: np.ndarray, clusters: int, starts: int, seeds: int) -> None:
    """Print the ratios of one size: mean and worst inertia, median time, and the noise of the time."""
    inertia, seconds, noise = [], [], []
    for seed in range(seeds):
        ours, our_time = timed(lambda seed=seed: kmeans(data, clusters, seed, restarts=starts).inertia)
        theirs, their_time = timed(lambda seed=seed: reference(data, clusters, seed, starts))
        _, again = timed(lambda seed=seed: reference(data, clusters, seed, starts))
        inertia.append(ours / theirs)
        seconds.append(2 * our_time / (their_time + again))
        noise.append(again / their_time)
    print(
        f"{data.shape[0]} x {data.shape[1]}, {clusters} clusters: inertia {statistics.mean(inertia):.4f} "
        f"(at most {max(inertia):.4f}), time {statistics.median(seconds):.2f} "
        f"(noise {min(noise):.2f} to {max(noise):.2f})"
    )


def reference(data: np.ndarray, clusters: int, seed: int, starts: int) -> float:
    """The inertia that scikit-learn reaches."""
    return float(KMeans(clusters, n_init=starts, random_state=seed, max_iter=100).fit(data).inertia_)


def timed(run: Callable[[], float]) -> tuple[float, float]:
    """What ``run`` gives, and the processor seconds it took."""
    start = time.process_time()
    found = run()
    return found, time.process_time() - start


if __name__ == "__main__":
    main()
