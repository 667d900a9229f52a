"""k-NN classification: do an item's nearest neighbours have its label?"""

from collections.abc import Mapping, Sequence

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Embedded, Metric, Request, Result, labelled
from m5kit.evaluation.functional.classification import commonest, neighbour_vote
from m5kit.evaluation.functional.search import top_k
from m5kit.evaluation.functional.vectors import normalise
from m5kit.evaluation.values import CLASSIFICATION_VALUES, classification_values
from m5kit.ranges import Count
from m5kit.registry import METRICS


@METRICS.register_module("knn")
class Knn(Metric):
    """Give each test item the label that most of its k nearest training items by cosine have; nothing is fitted.

    It is cheaper than the linear probe and needs no solver, which suits evaluation during training. Items without the
    label are left out; the chance level is that of :class:`~m5kit.evaluation.probe.Probe`.

    Args:
        train: split of the neighbours.
        test: split that is scored.
        label: what is predicted.
        k: how many neighbours vote; if labels are equally frequent, the one whose neighbours are nearer wins.
        modalities: what the model may see; None for all modalities of the run.
        space: ``"item"``, a modality, ``"fused"``, ``"unscaled"`` or ``"contrastive"``, see :class:`Request`.

    Raises:
        ConfigError: k is below 1, or train and test are one split, where each item would be its own neighbour.
    """

    def __init__(
        self,
        *,
        train: str,
        test: str,
        label: str,
        k: Count = 10,
        modalities: Sequence[str] | None = None,
        space: str = "item",
    ) -> None:
        if k < 1:
            raise ConfigError([f"k: expected at least 1, got {k}"])
        if train == test:
            raise ConfigError([f"test: {test!r} is also the training split; choose another split"])
        self.label = label
        self.k = k
        self.train = Request.of(train, modalities, space)
        self.test = Request.of(test, modalities, space)

    def requests(self) -> tuple[Request, ...]:
        """Train and test."""
        return self.train, self.test

    def value_names(self) -> Sequence[str]:
        """As of :meth:`compute`."""
        return CLASSIFICATION_VALUES

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """``accuracy`` and ``balanced_accuracy`` on the test split."""
        train, test = labelled(embedded, self.train, self.label), labelled(embedded, self.test, self.label)
        # unit vectors, so that the dot products of the search are cosines
        neighbours = top_k(normalise(test.vectors), normalise(train.vectors), self.k)
        labels = train.label(self.label)
        predicted = neighbour_vote(neighbours, labels)
        return classification_values(test.label(self.label), predicted, guess=commonest(labels), seed=seed)
