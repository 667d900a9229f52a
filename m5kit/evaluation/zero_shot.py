"""Zero-shot classification: is an item nearest to the description of its class? Nothing is fitted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Metric, MetricValue, Request, Result, labelled
from m5kit.evaluation.functional.classification import commonest
from m5kit.evaluation.functional.search import top_k
from m5kit.evaluation.functional.vectors import normalise
from m5kit.evaluation.values import CLASSIFICATION_VALUES, classification_values
from m5kit.registry import METRICS
from m5kit.structures import Sample


@METRICS.register_module("zero_shot")
class ZeroShot(Metric):
    """Give each item the class with the nearest vector in the space in which modalities are aligned.

    A class is described by prompts, or by the items of a catalogue that have its label; its vector is the mean of their
    unit vectors. An item without a requested modality gets no class and counts as an error. An item whose label is not
    one of the classes is left out, and ``coverage`` is the share of the others. The chance level is the score of always
    answering the commonest label of the split.

    Source: Radford et al., Learning Transferable Visual Models From Natural Language Supervision (2021), section 3.1.

    Args:
        split: the items to classify.
        label: their classes.
        classes: the labels to choose from, or the wording of each label in prompts; needed with ``prompts``.
        prompts: by modality, templates in which ``{}`` stands for the wording: ``{text: ["a photo of a {}"]}``. A
            template may be a table of properties: ``{table: [{category: "{}"}]}``.
        catalogue: instead of prompts, a split whose items describe their labels.
        catalogue_modalities: what the model may see of the catalogue; None for all modalities of the run.
        modalities: what the model may see of the items to classify; None for all.

    Raises:
        ConfigError: there are neither prompts nor a catalogue, or both, or there are prompts without classes.
    """

    def __init__(
        self,
        *,
        split: str,
        label: str,
        classes: Sequence[str] | Mapping[str, str] | None = None,
        prompts: Mapping[str, Sequence[Any]] | None = None,
        catalogue: str | None = None,
        catalogue_modalities: Sequence[str] | None = None,
        modalities: Sequence[str] | None = None,
    ) -> None:
        if (prompts is None) == (catalogue is None):
            raise ConfigError(["prompts: expected either prompts or a catalogue, which describe the classes"])
        if prompts is not None and not classes:
            raise ConfigError(["classes: expected the labels to choose from, as prompts are made of them"])
        self.label = label
        self.items = Request.of(split, modalities, "contrastive")
        self.classes = None if classes is None else set(classes)
        if catalogue is not None:
            self.descriptions = Request.of(catalogue, catalogue_modalities, "contrastive")
        else:
            wording = classes if isinstance(classes, Mapping) else {name: name for name in classes or ()}
            samples = tuple(_samples(label, wording, prompts or {}))
            self.descriptions = Request("prompts", tuple(sorted(prompts or {})), "contrastive", samples=samples)

    @classmethod
    def example(cls) -> dict[str, str]:
        """A catalogue."""
        return {"catalogue": "catalogue"}

    def requests(self) -> tuple[Request, ...]:
        """The items, and the descriptions of the classes."""
        return self.items, self.descriptions

    def value_names(self) -> Sequence[str]:
        """As of :meth:`compute`."""
        return [*CLASSIFICATION_VALUES, "coverage"]

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """``accuracy`` and ``balanced_accuracy``.

        Raises:
            DataError: no item has one of the classes.
        """
        items = labelled(embedded, self.items, self.label)
        described = labelled(embedded, self.descriptions, self.label)
        names, vectors = _class_vectors(described.select(described.seen), self.label, self.classes)
        known = np.isin(items.label(self.label), names)
        if not known.any():
            raise DataError(f"no item of split {self.items.split!r} has one of the classes {', '.join(names[:8])}")
        judged = items.select(known)
        nearest = top_k(normalise(judged.vectors), vectors, 1)[:, 0]
        labels = judged.label(self.label)
        # a vector of zeros is equally near to all classes; it must not win by the order of their names
        predicted = np.where(judged.seen, names[nearest], "")
        result = dict(classification_values(labels, predicted, guess=commonest(labels), seed=seed))
        if not known.all():
            result["coverage"] = MetricValue(float(known.mean()), None, None, None, len(items))
        return result


def _samples(label: str, wording: Mapping[str, str], prompts: Mapping[str, Sequence[Any]]) -> Iterator[Sample]:
    """One item for each class and template, labelled with the class."""
    for modality, templates in prompts.items():
        for number, template in enumerate(templates):
            for name, words in wording.items():
                source = _filled(template, words)
                yield Sample(f"{modality} {number}: {name}", {modality: source}, {label: name}, "prompts")


def _filled(template: Any, words: str) -> Any:
    """A template with the wording in place of ``{}``, also inside of tables and lists."""
    if isinstance(template, str):
        return template.replace("{}", words)
    if isinstance(template, Mapping):
        return {key: _filled(value, words) for key, value in template.items()}
    return [_filled(part, words) for part in template] if isinstance(template, Sequence) else template


def _class_vectors(
    described: Embedded, label: str, classes: set[str] | None
) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    """Names ``c`` and unit vectors ``c d`` of the classes that have a description.

    Raises:
        DataError: none of them has a description.
    """
    labels = described.label(label)
    chosen = np.full(len(labels), True) if classes is None else np.isin(labels, sorted(classes))
    names, number = np.unique(labels[chosen], return_inverse=True)
    if not len(names):
        raise DataError(f"nothing describes the classes of the label {label!r}; see prompts and catalogue")
    sums = np.zeros((len(names), described.vectors.shape[1]), dtype=np.float32)
    # unit vectors first: a description with a long vector must not outweigh the others
    np.add.at(sums, number, normalise(described.vectors[chosen]))
    return names, normalise(sums)
