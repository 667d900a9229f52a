"""How long retrieval evaluation takes, against sentence-transformers' evaluator and faiss, in one run.

    python benchmarks/retrieval.py [--queries 2000] [--items 10000] [--width 96] [--depth 100] [--threads N]

The vectors are random points around 500 class centres; queries and items with one class are relevant to each other. The
scores and depths are the defaults of sentence-transformers' InformationRetrievalEvaluator: accuracy, precision and
recall at 1, 3, 5, 10, MRR and nDCG at 10, MAP at 100 (``--depth``). Both sides get embeddings made before, and the same
threads. Equality is checked first: all must rank and score alike, or nothing is timed. Times are processor
seconds; the contestants alternate. Both multiply the same matrices, so the ratio falls with the width.
"""

import argparse
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from _arguments import at_least, check_depth
from _measure import of_this_process, spread

from m5kit.evaluation.base import Embedded
from m5kit.evaluation.functional.ranking import SCORES
from m5kit.evaluation.functional.search import BACKENDS, top_k
from m5kit.evaluation.functional.vectors import normalise
from m5kit.evaluation.retrieval import Retrieval

CLASSES = 500
DEPTHS = (1, 3, 5, 10)
SAME = "m5kit, the same scores"
WHOLE = "m5kit, and more, with chance and intervals"
REFERENCE = "sentence-transformers, evaluator"


def main() -> None:
    """Make the data, check equality, print one line a contestant."""
    arguments = parse()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    centres = np.random.default_rng(0).normal(size=(CLASSES, arguments.width))
    queries = scatter(centres, arguments.queries, "query", seed=1)
    gallery = scatter(centres, arguments.items, "item", seed=2)
    print(
        f"{len(queries)} queries, {len(gallery)} items, d={arguments.width}, {CLASSES} classes, scored at "
        f"{DEPTHS} and {arguments.depth}, {torch.get_num_threads()} threads"
    )
    metric = Retrieval(query="query", gallery="gallery", label="class", ks=[*DEPTHS, arguments.depth])
    embedded = {metric.queries: queries, metric.gallery: gallery}
    contestants = {
        SAME: lambda: same_scores(metric, queries, gallery),
        WHOLE: lambda: metric.compute(embedded, seed=0),
        **searches(queries, gallery, arguments.depth),
        **sentence_transformers(queries, gallery, metric),
    }
    report(measure(contestants, arguments.repeats))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=at_least(1), default=2000)
    parser.add_argument("--items", type=at_least(10 * CLASSES), default=10_000)
    parser.add_argument("--width", type=at_least(1), default=96, help="of the vectors; that of configs/demo")
    parser.add_argument("--depth", type=at_least(1), default=100, help="the largest k")
    parser.add_argument("--repeats", type=at_least(2), default=9)
    parser.add_argument("--threads", type=at_least(1), help="that torch uses, for all contestants")
    arguments = parser.parse_args()
    check_depth("--depth", arguments.depth, arguments.items)
    return arguments


def scatter(centres: np.ndarray, count: int, name: str, *, seed: int) -> Embedded:
    """Labelled points around the class centres, far enough out that rankings are imperfect."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(centres), count)
    vectors = centres[labels] + 2 * rng.normal(size=(count, centres.shape[1]))
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
        from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
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
        map_at_k=[max(metric.ks)],
    )
    model = GivenVectors(queries, gallery)
    check_scores(same_scores(metric, queries, gallery), evaluator.compute_all_metrics(model)["cosine"])
    return {REFERENCE: lambda: evaluator.compute_all_metrics(model)}


class GivenVectors:
    """Stands for a model in sentence-transformers, but looks its embeddings up."""

    def __init__(self, *parts: Embedded) -> None:
        self.rows = {name: row for row, name in enumerate(np.concatenate([part.ids for part in parts]).tolist())}
        self.vectors = torch.from_numpy(np.concatenate([part.vectors for part in parts]))

    def encode(self, names: list[str], **_: object) -> torch.Tensor:
        """The vectors of the items called so."""
        return self.vectors[[self.rows[name] for name in names]]

    encode_query = encode_document = encode


def same_scores(metric: Retrieval, queries: Embedded, gallery: Embedded) -> dict[str, dict[int, float]]:
    """What the evaluator of sentence-transformers gives by default, by the names that it gives it."""
    ranking = metric.rank(queries, gallery)
    wanted = [(name, their, DEPTHS) for name, their in (("hit_rate", "accuracy"), ("recall", "recall"))]
    wanted += [("precision", "precision", DEPTHS), ("mrr", "mrr", (10,)), ("ndcg", "ndcg", (10,))]
    wanted += [("map_std", "map", (max(metric.ks),))]
    return {f"{their}@k": {k: float(SCORES[ours](ranking, k).mean()) for k in ks} for ours, their, ks in wanted}


def check_scores(ours: dict[str, dict[int, float]], theirs: dict[str, dict[int, float]]) -> None:
    """Stop unless both give the same figures."""
    for name, by_depth in ours.items():
        for k, value in by_depth.items():
            # where a label has fewer than k items, m5kit's precision, the released toolkit's, looks at fewer ranks
            if abs(value - theirs[name][k]) > (1e-3 if name == "precision@k" else 1e-6):
                raise SystemExit(f"{name}, k={k}: m5kit {value:.6f}, sentence-transformers {theirs[name][k]:.6f}")
    print("m5kit and sentence-transformers give the same accuracy, precision, recall, MRR, nDCG and MAP")


def measure(contestants: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Processor seconds of each; they take turns, so that a busy moment hits all."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, run in contestants.items():
            times[name].append(of_this_process(run))
    return times


def report(times: dict[str, list[float]]) -> None:
    """One line a contestant: its median, the ratio to m5kit's in the same turn, and how much that differs by turn."""
    for name, seconds in times.items():
        ratios = [other / ours for other, ours in zip(seconds, times[SAME], strict=True)]
        print(f"{name:42} {median(seconds):8.3f} s   {median(ratios):6.2f} x (noise {spread(ratios):.2f})")


if __name__ == "__main__":
    main()
