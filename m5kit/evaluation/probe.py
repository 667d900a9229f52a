"""Linear probe: can a linear classifier predict the label from the frozen embedding?"""

from collections.abc import Mapping, Sequence

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Embedded, Metric, Request, Result, labelled
from m5kit.evaluation.functional.classification import commonest, linear_probe
from m5kit.evaluation.values import CLASSIFICATION_VALUES, classification_values
from m5kit.ranges import Amount
from m5kit.registry import METRICS

ONE_PART = ("fused", "unscaled", "contrastive")
"""The spaces whose vectors are one part. Those of others are several, weighed by length: all columns have one scale."""


@METRICS.register_module("probe")
class Probe(Metric):
    """Standardise, fit a logistic regression on the training split, score it on the test split.

    Items without the label are left out. The chance level is the score of always answering the commonest training
    label. A test label that no training item has cannot be predicted and counts as an error.

    Args:
        train: split that the classifier is fitted on.
        test: split that it is scored on; it never chooses the strength.
        label: what is predicted.
        val: split that chooses among ``strengths``; None if there is only one.
        strengths: inverse L2 penalties (scikit-learn's C) to try; among equally good ones the smallest is used.
        modalities: what the model may see; None for all modalities of the run.
        space: ``"item"``, a modality, ``"fused"``, ``"unscaled"`` or ``"contrastive"``, see :class:`Request`.

    Raises:
        ConfigError: there is no strength, or there are several without a split to choose by.
    """

    def __init__(
        self,
        *,
        train: str,
        test: str,
        label: str,
        val: str | None = None,
        strengths: Sequence[Amount] = (1.0,),
        modalities: Sequence[str] | None = None,
        space: str = "item",
    ) -> None:
        if not strengths or min(strengths) <= 0:
            raise ConfigError([f"strengths: expected one or more positive numbers, got {list(strengths)}"])
        if val is None and len(strengths) > 1:
            raise ConfigError([f"strengths: {len(strengths)} are given but no val split to choose by; set val"])
        self.label = label
        self.strengths = sorted(strengths)
        self.one_scale = space not in ONE_PART
        self.train = Request.of(train, modalities, space)
        self.test = Request.of(test, modalities, space)
        self.val = None if val is None else Request.of(val, modalities, space)

    def requests(self) -> tuple[Request, ...]:
        """Train and test, and the split to choose by if there is a choice."""
        return (self.train, self.test) if self.val is None else (self.train, self.val, self.test)

    def value_names(self) -> Sequence[str]:
        """As of :meth:`compute`."""
        return CLASSIFICATION_VALUES

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """``accuracy`` and ``balanced_accuracy`` on the test split."""
        train, test = labelled(embedded, self.train, self.label), labelled(embedded, self.test, self.label)
        # chosen on the validation split only: a choice by the test split would be optimistic
        strength = self.strengths[0]
        if self.val is not None and len(self.strengths) > 1:
            strength = self._choose(train, labelled(embedded, self.val, self.label), seed)
        labels = train.label(self.label)
        predicted = linear_probe(
            train.vectors, labels, test.vectors, strength=strength, seed=seed, one_scale=self.one_scale
        )
        return classification_values(test.label(self.label), predicted, guess=commonest(labels), seed=seed)

    def _choose(self, train: Embedded, val: Embedded, seed: int) -> float:
        """The strength with the best accuracy on the validation split."""

        def accuracy(strength: float) -> float:
            labels = train.label(self.label)
            predicted = linear_probe(
                train.vectors, labels, val.vectors, strength=strength, seed=seed, one_scale=self.one_scale
            )
            return float((predicted == val.label(self.label)).mean())

        return max(self.strengths, key=accuracy)  # sorted, and max keeps the first of equal ones: the smallest
