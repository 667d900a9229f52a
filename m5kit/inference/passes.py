"""Passes of a model over items, one for each way in which requests see them, shared out among processes."""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from m5kit.assembly.corruption import Corruptions
from m5kit.assembly.data import EVAL_BATCH, RunData
from m5kit.data.dataset import Samples
from m5kit.data.failures import FailureLog
from m5kit.errors import UsageError
from m5kit.evaluation.base import Corruption, Request
from m5kit.inference.sharing_out import share_out
from m5kit.models.base import Model
from m5kit.parallel.device import default_device
from m5kit.parallel.group import Group
from m5kit.structures import Batch

screen = logging.getLogger("m5kit")

Condition = tuple[tuple[str, ...] | None, Corruption | None]
"""The modalities that the model sees and the corruption of the items; requests with the same one share a pass."""


@dataclass(frozen=True, slots=True)
class BatchAnswers:
    """What one batch of items gives; it is sent from one process to another.

    Attributes:
        batch: as it was decoded, without what the model read.
        vectors: ``b d`` by condition and space.
        classes: numbers ``b`` of the classes that score highest by condition; empty unless the model has scores.
    """

    batch: Batch
    vectors: Mapping[tuple[Condition, str], np.ndarray]
    classes: Mapping[Condition, np.ndarray]


class Passes:
    """Answers requests for the same items: every item is decoded once, and what they do not ask for is not kept.

    Args:
        model: in eval mode, on the device.
        requests: whose items are the same.

    Raises:
        ConfigError: a modality that the model does not know.
    """

    def __init__(self, model: Model, requests: Sequence[Request]) -> None:
        self.model = model
        self.subsets: dict[Condition, tuple[str, ...]] = {}
        self.spaces: dict[Condition, dict[str, None]] = {}
        for request in requests:
            condition = _condition(request)
            self.subsets[condition] = known_modalities(model, request.modalities)
            self.spaces.setdefault(condition, {})[request.space] = None
        wanted = {corruption for _, corruption in self.subsets if corruption is not None}
        # None comes first: a batch without corruption is always made, and its failures are the ones that count.
        self.corruptions: Corruptions = [None, *sorted(wanted, key=str)]
        self._parts: list[BatchAnswers] = []

    def run(self, data: RunData, failures: Path, samples: Samples, group: Group) -> None:
        """Run the model on its share of the batches; the first process collects what all of them give.

        Args:
            data: of the model's run.
            failures: the file that lists items that cannot be decoded.
            samples: the items.
            group: the processes that share the batches out.
        """
        # Outputs of frozen encoders that are not cached yet are computed here, and the cache has one writer.
        with group.first_before_others():
            loader = data.eval_loader(samples, self.corruptions, rank=group.rank, processes=group.size)
        log = FailureLog(failures, data.config.data.max_failed)

        def take(part: BatchAnswers) -> None:
            log.update(part.batch)
            self._parts.append(part)

        rounds = math.ceil(len(samples) / EVAL_BATCH / group.size)
        share_out(group, map(self._part, loader), rounds, take)
        for sentence in failed_sentences(log, failures):
            screen.warning(sentence)

    @property
    def ids(self) -> np.ndarray:
        """The names of the items, in order."""
        return np.array([name for part in self._parts for name in part.batch.ids])

    def vectors(self, request: Request) -> np.ndarray:
        """The vectors ``b d`` of one of the requests."""
        return np.concatenate([part.vectors[_condition(request), request.space] for part in self._parts])

    def classes(self, request: Request) -> np.ndarray:
        """The class numbers ``b`` that a model with scores gives for one of the requests."""
        return np.concatenate([part.classes[_condition(request)] for part in self._parts])

    def _part(self, batches: Sequence[Batch]) -> BatchAnswers:
        """One pass for each condition."""
        # a batch is moved to the device once, whatever the number of subsets that are seen of it
        moved = [batch.to(default_device()) for batch in batches]
        vectors, classes = {}, {}
        for condition, subset in self.subsets.items():
            batch = moved[self.corruptions.index(condition[1])]
            found = self.model.embed(batch.only(subset))
            for space in self.spaces[condition]:
                vectors[condition, space] = found.vectors(space).numpy()
            if found.scores is not None:
                classes[condition] = found.scores.argmax(1).numpy()
        items = batches[0].one_row_each()
        return BatchAnswers(replace(items, inputs={}, targets={}, plan={}), vectors, classes)


def failed_sentences(log: FailureLog, failures: Path) -> Iterator[str]:
    """A sentence for each modality of which some items could not be decoded."""
    for modality, counts in log.summary().items():
        if counts["failed"]:
            failed, tried = counts["failed"], counts["attempts"]
            yield f"{modality}: {failed} of {tried} items could not be decoded; they are listed in {failures}"


def known_modalities(model: Model, modalities: tuple[str, ...] | None) -> tuple[str, ...]:
    """The modalities that a request names, or all of the model's if it names none.

    Raises:
        UsageError: the model reads no such modality, or none is named.
    """
    known = model.backbone.modalities
    if modalities is not None and not modalities:  # all items would be the same zeros
        raise UsageError(["modalities: name at least one, or leave it out for all"])
    unknown = sorted(set(modalities or ()) - set(known))
    if unknown:
        raise UsageError([f"the run has no {', '.join(unknown)}; it was trained with {', '.join(known)}"])
    return known if modalities is None else modalities


def _condition(request: Request) -> Condition:
    return request.modalities, request.corruption
