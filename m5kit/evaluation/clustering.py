"""Clustering: do clusters of embeddings, found without labels, agree with the labels?"""

from collections.abc import Mapping, Sequence

import numpy as np

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Embedded, Metric, MetricValue, Request, Result, labelled
from m5kit.evaluation.functional.clustering import SCORES, Labels, matched_hits, purity_hits, shuffled
from m5kit.evaluation.functional.kmeans import kmeans
from m5kit.evaluation.functional.vectors import normalise
from m5kit.ranges import Count
from m5kit.registry import METRICS

CORRECTED = frozenset({"ami", "ari"})
"""Scores whose chance level is 0 by construction."""


@METRICS.register_module("clustering")
class Clustering(Metric):
    """K-means on the L2-normalised embeddings with as many clusters as there are labels in the split.

    With many clusters and few items, NMI and purity are high by chance (about 0.8 and 0.36 for 1,805 clusters of 4,632
    items), so compare them with their chance level: the same clusters with the items shuffled. Purity and accuracy are
    means over items and have an interval, given the clusters; the other values have none.

    Args:
        split: the items to cluster; those without the label are left out.
        label: the label that the clusters are compared with.
        restarts: starts of k-means; the partition with the lowest inertia is used.
        permutations: shuffles behind the chance level.
        modalities: what the model may see; None for all modalities of the run.
        space: ``"item"``, a modality, ``"fused"``, ``"unscaled"`` or ``"contrastive"``, see :class:`Request`.

    Raises:
        ConfigError: restarts or permutations are below 1.
    """

    def __init__(
        self,
        *,
        split: str,
        label: str,
        restarts: Count = 10,
        permutations: Count = 10,
        modalities: Sequence[str] | None = None,
        space: str = "item",
    ) -> None:
        problems = []
        if restarts < 1:
            problems.append("restarts: expected at least 1")
        if permutations < 1:
            problems.append("permutations: expected at least 1")
        if problems:
            raise ConfigError(problems)
        self.label = label
        self.restarts = restarts
        self.permutations = permutations
        self.request = Request.of(split, modalities, space)

    def requests(self) -> tuple[Request, ...]:
        """The one split."""
        return (self.request,)

    def value_names(self) -> Sequence[str]:
        """As of :meth:`compute`."""
        return tuple(SCORES)

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """``nmi``, ``ami``, ``ari``, ``purity`` and ``accuracy`` (clusters matched with labels in the best way)."""
        items = labelled(embedded, self.request, self.label)
        labels = np.unique(items.label(self.label), return_inverse=True)[1]
        clusters = kmeans(normalise(items.vectors), int(labels.max()) + 1, seed, restarts=self.restarts).assignment
        by_item = {"purity": purity_hits(labels, clusters), "accuracy": matched_hits(labels, clusters)}
        result = {}
        for name, score in SCORES.items():
            chance = self._chance(name, labels, clusters, seed)
            if name in by_item:
                result[name] = MetricValue.mean(by_item[name].astype(np.float64), chance, seed)
            else:
                # not a mean over items, so resampling the items gives no interval
                result[name] = MetricValue(score(labels, clusters), chance, None, None, len(items))
        return result

    def _chance(self, name: str, labels: Labels, clusters: Labels, seed: int) -> float:
        """The score of the same clusters with the items shuffled; known for scores that are corrected for chance."""
        if name in CORRECTED:
            return 0.0
        return shuffled(SCORES[name], labels, clusters, seed, permutations=self.permutations)
