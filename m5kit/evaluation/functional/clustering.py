"""Agreement of clusters with classes, and the scores of shuffled clusters.

Shape letters: b item, c class or cluster. Labels and clusters are arrays ``b`` of any comparable values.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]


def nmi(labels: Labels, clusters: Labels) -> float:
    """Mutual information over the arithmetic mean of the two entropies; many small clusters raise it by chance.

    Example:
        >>> round(nmi(np.array([0, 0, 1, 1]), np.array([5, 5, 7, 7])), 6)
        1.0
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(labels, clusters, average_method="arithmetic"))


def ami(labels: Labels, clusters: Labels) -> float:
    """Mutual information adjusted for chance: 0 is what shuffled clusters score. Source: Vinh et al. (2010)."""
    from sklearn.metrics import adjusted_mutual_info_score

    return float(adjusted_mutual_info_score(labels, clusters, average_method="arithmetic"))


def ari(labels: Labels, clusters: Labels) -> float:
    """Rand index adjusted for chance: 0 is what shuffled clusters score. Source: Hubert and Arabie (1985)."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, clusters))


def purity_hits(labels: Labels, clusters: Labels) -> NDArray[np.bool_]:
    """``b``: whether the item has the most frequent label of its cluster. The mean is the purity.

    Example:
        >>> purity_hits(np.array(["x", "x", "y"]), np.array([0, 0, 0]))
        array([ True,  True, False])
    """
    counts, label, cluster = _contingency(labels, clusters)
    hits: NDArray[np.bool_] = counts.argmax(0)[cluster] == label
    return hits


def matched_hits(labels: Labels, clusters: Labels) -> NDArray[np.bool_]:
    """``b``: whether the item is in the cluster of its label, in the best matching of labels with clusters, one to one.

    The mean is the clustering accuracy. Source: Kuhn, the Hungarian method (1955).

    Example:
        >>> matched_hits(np.array(["x", "x", "y"]), np.array([0, 1, 1]))
        array([ True, False,  True])
    """
    from scipy.optimize import linear_sum_assignment

    counts, label, cluster = _contingency(labels, clusters)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    # a cluster without a label of its own keeps -1, which no label equals
    owner = np.full(counts.shape[1], -1)
    owner[columns] = rows
    hits: NDArray[np.bool_] = owner[cluster] == label
    return hits


def purity(labels: Labels, clusters: Labels) -> float:
    """Share of items that have the most frequent label of their cluster."""
    return float(purity_hits(labels, clusters).mean())


def matched_accuracy(labels: Labels, clusters: Labels) -> float:
    """Share of items in the cluster that is matched with their label."""
    return float(matched_hits(labels, clusters).mean())


SCORES: Mapping[str, Callable[[Labels, Labels], float]] = {
    "nmi": nmi,
    "ami": ami,
    "ari": ari,
    "purity": purity,
    "accuracy": matched_accuracy,
}


def shuffled(
    score: Callable[[Labels, Labels], float], labels: Labels, clusters: Labels, seed: int, *, permutations: int = 10
) -> float:
    """Mean score after shuffling the clusters among the items: the chance level of ``score``."""
    generator = np.random.default_rng(seed)
    return float(np.mean([score(labels, generator.permutation(clusters)) for _ in range(permutations)]))


def _contingency(labels: Labels, clusters: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Counts ``c c`` by label and cluster, and the row and column ``b`` of each item."""
    label_names, label = np.unique(labels, return_inverse=True)
    cluster_names, cluster = np.unique(clusters, return_inverse=True)
    counts = np.zeros((len(label_names), len(cluster_names)), dtype=np.int64)
    np.add.at(counts, (label, cluster), 1)
    return counts, label, cluster
