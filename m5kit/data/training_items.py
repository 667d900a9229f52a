"""Which items a run trains on, and which of their modalities it never sees.

All of it follows from seed and id by a hash, so it is the same on every machine, in every worker and in any order.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import ceil

import numpy as np

from m5kit.data.dataset import Samples
from m5kit.data.manifest import Manifest
from m5kit.data.pipeline import Pipeline
from m5kit.errors import DataError
from m5kit.structures import Sample

log = logging.getLogger("m5kit")

StandIns = Mapping[str, str | None]
"""By modality of the run, the other modality whose file is used where an item has none of its own; None for none."""


def warn_of_absent(samples: Samples, pipelines: Mapping[str, Pipeline]) -> None:
    """Say which modalities of a run no item has; nothing else would, and their encoders would learn nothing."""
    # stops at the first items as a rule: a modality that exists is usually found among them
    unseen = set(pipelines)
    for index in range(len(samples)):
        if not unseen:
            return
        sample = samples[index]
        for modality in list(unseen):
            if pipelines[modality].reference(sample, modality) is not None:
                unseen.remove(modality)
    for modality in sorted(unseen):
        log.warning(
            "no %s: none of the %d training items has this modality, so its encoder learns nothing; see what the "
            "manifest holds with m5kit data stats, or drop it with --set encoder_%s=none",
            modality,
            len(samples),
            modality,
        )


def portion(items: Manifest, share: float, seed: int) -> Manifest:
    """The share of the items whose hashes are smallest: a smaller share of the same seed lies inside a larger one."""
    chances = np.array([chance(seed, "share", name) for name in items.ids()])
    kept = np.zeros(len(items), dtype=np.bool_)
    # stable, so that equal hashes are taken in the order of the items on every machine
    kept[np.argsort(chances, kind="stable")[: ceil(share * len(items))]] = True
    return items.take(kept)


def complete(items: Manifest, modalities: StandIns) -> Manifest:
    """The items that have every modality.

    Raises:
        DataError: there is none.
    """
    kept = np.zeros(len(items), dtype=np.bool_)
    for index, item in enumerate(items):
        kept[index] = len(present(item, modalities)) == len(modalities)
    if not kept.any():
        raise DataError(
            f"data.complete_only: none of the {len(items)} training items of {items.dataset} has all of "
            f"{', '.join(modalities)}; m5kit data stats shows which occur together"
        )
    return items.take(kept)


@dataclass(frozen=True, slots=True)
class RemovedModalities:
    """Takes modalities away from items for good; the last one of an item always stays.

    What is lost at a rate is lost at every higher one.

    Attributes:
        rate: chance of each modality of each item.
        seed: the same seed takes the same ones.
        modalities: those that may go.
    """

    rate: float
    seed: int
    modalities: StandIns

    def __call__(self, sample: Sample) -> Sample:
        """The sample without what it lost."""
        chances = {}
        for modality in present(sample, self.modalities):
            chances[modality] = chance(self.seed, "missing", modality, sample.id)
        # An item without any modality could not be learned from: the one with the highest number stays.
        last = max(chances, key=chances.__getitem__, default=None)
        lost, left = set(), dict(sample.sources)
        for modality, drawn in chances.items():
            if drawn < self.rate and modality != last:
                lost.add(modality)
                left.pop(modality, None)
        return replace(sample, sources=left, lost=frozenset(lost))


def present(sample: Sample, modalities: StandIns) -> list[str]:
    """Which of the modalities an item has, by a file of its own or by another's."""
    found = []
    for modality, stand_in in modalities.items():
        has_file = modality in sample.sources or stand_in in sample.sources
        if has_file and modality not in sample.lost:
            found.append(modality)
    return found


def chance(seed: int, *words: str) -> float:
    """A number from 0 to 1 that looks random and follows from its arguments.

    Example:
        >>> chance(0, "share", "a1") == chance(0, "share", "a1") != chance(1, "share", "a1")
        True
    """
    # joined by a sign that no name has in practice, so that ("a", "bc") and ("ab", "c") are different
    digest = blake2b("\0".join([str(seed), *words]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
