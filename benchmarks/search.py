"""Exact search against faiss' flat index: 1,000 queries in 100,000 x 256, depth 100, one thread.

Random unit vectors. Both must find neighbours that are equally near, rank by rank, before anything is timed.

Run: OMP_NUM_THREADS=1 python benchmarks/search.py [--queries 1000] [--items 100000] [--width 256] [--depth 100]
"""

import argparse

import faiss
import numpy as np
import torch
from _arguments import at_least, check_depth
from _measure import compare

from m5kit.evaluation.functional.search import top_k
from m5kit.evaluation.functional.vectors import normalise

GOAL = 1.1


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=at_least(1), default=1000)
    parser.add_argument("--items", type=at_least(1), default=100_000)
    parser.add_argument("--width", type=at_least(1), default=256)
    parser.add_argument("--depth", type=at_least(1), default=100)
    parser.add_argument("--rounds", type=at_least(1), default=9)
    arguments = parser.parse_args()
    check_depth("--depth", arguments.depth, arguments.items)
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    queries, gallery = (
        normalise(rng.normal(size=(count, arguments.width)).astype(np.float32))
        for count in (arguments.queries, arguments.items)
    )
    index = faiss.IndexFlatIP(arguments.width)
    index.add(gallery)

    def same() -> bool:
        scores, _ = index.search(queries, arguments.depth)
        found = gallery[top_k(queries, gallery, arguments.depth)]
        return bool(np.allclose(np.einsum("qd,qkd->qk", queries, found), scores, atol=1e-6))

    ratio = compare(
        lambda: index.search(queries, arguments.depth),
        lambda: top_k(queries, gallery, arguments.depth),
        arguments.rounds,
        same,
    )
    print(f"time over that of faiss: {ratio}; at most {GOAL}: {ratio.verdict(GOAL)}")


if __name__ == "__main__":
    main()
