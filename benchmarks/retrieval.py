"""How long retrieval evaluation takes, against sentence-transformers' evaluator and faiss, in one run.

    python benchmarks/retrieval.py [--queries 2000] [--items 10000] [--depth 100] [--repeats 5]

The vectors are random points around 500 class centres, d=256; queries and items with one class are relevant to each
other. Equality is checked first: all must rank and score alike, or nothing is timed. Times are the best of the repeats,
which alternate between the contestants. Every contestant multiplies the same matrices, which bounds the ratios from
above at small depths: sentence-transformers loops over what was found in Python, so it falls behind with depth.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from m5kit.evaluation.base import Embedded
from m5kit.evaluation.functional.ranking import SCORES
from m5kit.evaluation.functional.search import BACKENDS, top_k
from m5kit.evaluation.functional.vectors import normalise
from m5kit.evaluation.retrieval import Retrieval

WIDTH, CLASSES = 256, 500
WHOLE = "m5kit, metric with chance and intervals"
REFERENCE = "sentence-transformers, evaluator"


def main() -> None:
    """Make the data, check equality, print one line a contestant."""
    arguments = parse()
    centres = np.random.default_rng(0).normal(size=(CLASSES, WIDTH))
    queries = scatter(centres, arguments.queries, "query", seed=1)
    gallery = scatter(centres, arguments.items, "item", seed=2)
    ks = [k for k in (1, 5, 10) if k < arguments.depth] + [arguments.depth]
    print(f"{len(queries)} queries, {len(gallery)} items, d={WIDTH}, {CLASSES} classes, scored at {ks}")
    metric = Retrieval(query="query", gallery="gallery", label="class", ks=ks)
    embedded = {metric.queries: queries, metric.gallery: gallery}
    contestants = {
        WHOLE: lambda: metric.compute(embedded, seed=0),
        **searches(queries, gallery, arguments.depth),
        **sentence_transformers(queries, gallery, metric),
    }
    report(measure(contestants, arguments.repeats))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--depth", type=int, default=100, help="the largest k")
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def scatter(centres: np.ndarray, count: int, name: str, *, seed: int) -> Embedded:
    """Labelled points around the class centres, far enough out that rankings are imperfect."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(centres), count)
    vectors = centres[labels] + 3 * rng.normal(size=(count, centres.shape[1]))
    return Embedded([f"{name}{i}" for i in range(count)], vectors, {"class": labels.astype(str)})


def searches(queries: Embedded, gallery: Embedded, depth: int) -> dict[str, Callable[[], object]]:
    """The search alone by each backend that is installed, after checking that they find the same."""
    left, right = normalise(queries.vectors), normalise(gallery.vectors)
    alone = {"m5kit, search alone (torch)": lambda: top_k(left, right, depth)}
    try:
        import faiss
    except ImportError:
        print("faiss is not installed (pip install 'm5kit[faiss]'): not measured")
        return alone
    cosines = [np.einsum("qd,qkd->qk", left, right[top_k(left, right, depth, backend=backend)]) for backend in BACKENDS]
    apart = float(np.abs(cosines[0] - cosines[1]).max())
    print(
        f"the neighbours that m5kit and faiss {faiss.__version__} find are equally near, rank by rank, to {apart:.0e}"
    )
    if apart > 1e-6:
        raise SystemExit("the backends disagree, so their times say nothing")
    return alone | {"m5kit, search alone (faiss)": lambda: top_k(left, right, depth, backend="faiss")}


def sentence_transformers(queries: Embedded, gallery: Embedded, metric: Retrieval) -> dict[str, Callable[[], object]]:
    """The evaluator of sentence-transformers on the same vectors, after checking that it scores alike."""
    try:
        from sentence_transformers.evaluation import InformationRetrievalEvaluator
        from sentence_transformers.util import cos_sim
    except ImportError:
        print("sentence-transformers is not installed (pip install sentence-transformers): not measured")
        return {}
    by_class: dict[str, set[str]] = {}
    for name, label in zip(gallery.ids.tolist(), gallery.labels["class"].tolist(), strict=True):
        by_class.setdefault(label, set()).add(name)
    evaluator = InformationRetrievalEvaluator(
        queries={name: name for name in queries.ids.tolist()},
        corpus={name: name for name in gallery.ids.tolist()},
        relevant_docs=dict(zip(queries.ids.tolist(), map(by_class.get, queries.labels["class"].tolist()), strict=True)),
        score_functions={"cosine": cos_sim},
        **{f"{score}_at_k": list(metric.ks) for score in ("mrr", "ndcg", "accuracy", "precision_recall", "map")},
    )
    model = GivenVectors(queries, gallery)
    check_scores(metric, queries, gallery, evaluator.compute_metrices(model)["cosine"])
    return {REFERENCE: lambda: evaluator.compute_metrices(model)}


class GivenVectors:
    """Stands for a model in sentence-transformers, but looks its embeddings up."""

    def __init__(self, *parts: Embedded) -> None:
        self.rows = {name: row for row, name in enumerate(np.concatenate([part.ids for part in parts]).tolist())}
        self.vectors = torch.from_numpy(np.concatenate([part.vectors for part in parts]))

    def encode(self, names: list[str], **_: object) -> torch.Tensor:
        """The vectors of the items called so."""
        return self.vectors[[self.rows[name] for name in names]]

    encode_query = encode_document = encode


def check_scores(metric: Retrieval, queries: Embedded, gallery: Embedded, theirs: dict) -> None:
    """Stop unless both give the same figures where both define the same thing."""
    ranking = metric.rank(queries, gallery)
    for name, other in (("map_std", "map@k"), ("recall", "recall@k"), ("hit_rate", "accuracy@k"), ("mrr", "mrr@k")):
        for k in metric.ks:
            ours = SCORES[name](ranking, k).mean()
            if abs(ours - theirs[other][k]) > 1e-6:
                raise SystemExit(f"{name}@{k}: m5kit {ours:.6f}, sentence-transformers {theirs[other][k]:.6f}")
    print("m5kit and sentence-transformers give the same mAP (/ min(k, R)), recall, hit rate and MRR to 1e-6")


def measure(contestants: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Best time of each in seconds; they take turns, so that a busy moment hits all."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, run in contestants.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in times.items()}


def report(times: dict[str, float]) -> None:
    """One line a contestant, with its ratio to the whole metric of m5kit."""
    for name, seconds in times.items():
        print(f"{name:42} {seconds:8.3f} s   {seconds / times[WHOLE]:6.2f} x")


if __name__ == "__main__":
    main()
