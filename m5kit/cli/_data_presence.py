"""Which modalities the items of a manifest have, as tables and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from m5kit.cli.output import write, write_table

NONE = "(none)"
"""Stands for a missing split, and for an item without any modality."""


class Presence(Protocol):
    """What :class:`m5kit.data.stats.Stats` and :class:`m5kit.data.validate.ManifestCheck` have in common."""

    @property
    def splits(self) -> Mapping[str, int]: ...

    @property
    def modalities(self) -> Sequence[str]: ...

    @property
    def presence(self) -> Mapping[str, Mapping[str, int]]: ...

    @property
    def patterns(self) -> Mapping[tuple[str, ...], int]: ...


def write_presence(found: Presence) -> None:
    """Print how many items of each split have each modality, and which modalities come together."""
    rows = []
    for split, size in found.splits.items():
        counts = [found.presence[split][modality] for modality in found.modalities]
        rows.append([split or NONE, size, *counts])
    write_table(["split", "items", *found.modalities], rows)
    write("")
    combinations = [["+".join(pattern) or NONE, count] for pattern, count in found.patterns.items()]
    write_table(["modalities together", "items"], combinations)


def presence_as_json(found: Presence) -> dict[str, Any]:
    """The same under the keys ``splits``, ``presence`` and ``patterns``."""
    presence = {}
    for split, counts in found.presence.items():
        # a modality that no item of the split has is 0, not missing
        presence[split] = {modality: counts[modality] for modality in found.modalities}
    return {
        "splits": dict(found.splits),
        "presence": presence,
        "patterns": {"+".join(pattern): count for pattern, count in found.patterns.items()},
    }
