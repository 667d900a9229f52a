"""Collated items: inputs by modality, and which item has which modality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from m5kit.structures.inputs import Failure, Inputs


@dataclass(frozen=True, slots=True)
class Batch:
    """Collated items; ``inputs[modality]`` holds the present items only, in the order of the batch.

    Attributes:
        ids: b names.
        modalities: the m columns of ``present``.
        present: ``b m`` bool on the host.
        inputs: by modality; a modality that nobody has is a missing key.
        targets: class numbers ``b`` by label name, -1 where an item has no such label.
        failures: what could not be decoded while this batch was made; those modalities count as absent.
        positions: ``b`` int64 on the host, the number of each item's draw since the run began (in evaluation the item's
            index). Everything random about an item is a function of it; by default it counts from 0.
        plan: for each modality that some item has, the rows ``p`` of those items. It is made together with the batch,
            in a worker, so that the training process has no index to compute.
        owners: ``b`` int64 on the host, the number of the item that each row belongs to, where evaluation reads several
            values of a modality: an item then has several rows, one after the other, and its vectors are their mean.
            None where every row is an item.
    """

    ids: tuple[str, ...]
    modalities: tuple[str, ...]
    present: Tensor
    inputs: Mapping[str, Inputs]
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    positions: Tensor = None  # type: ignore[assignment]  # filled in below: a default must not be shared
    plan: Mapping[str, Tensor] = None  # type: ignore[assignment]
    owners: Tensor | None = None

    def __post_init__(self) -> None:
        if self.positions is None:
            object.__setattr__(self, "positions", torch.arange(len(self.ids)))
        if self.plan is None:
            object.__setattr__(self, "plan", _rows(self.present, self.modalities))

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, modality: str) -> Tensor:
        """Positions ``p`` (host) of the items that have ``modality``."""
        found = self.plan.get(modality)
        return torch.zeros(0, dtype=torch.int64) if found is None else found

    def one_row_each(self) -> "Batch":
        """The first row of each item; itself if no item has several."""
        if self.owners is None:
            return self
        _, counts = torch.unique_consecutive(self.owners, return_counts=True)
        return self.take(counts.cumsum(0) - counts)

    def only(self, modalities: Sequence[str]) -> "Batch":
        """The same items, with only ``modalities``; the others count as absent."""
        chosen = torch.tensor([modality in modalities for modality in self.modalities])
        inputs, plan = dict(self.inputs), dict(self.plan)
        for modality in set(self.modalities).difference(modalities):
            inputs.pop(modality, None)
            plan.pop(modality, None)
        # Only the host's columns change; the inputs themselves are shared with this batch, not copied.
        return replace(self, present=self.present & chosen, inputs=inputs, plan=plan)

    def augmented_again(self) -> "Batch":
        """The same items, augmented a second time; modalities that were not augmented again count as absent."""
        inputs = {m: part.again for m, part in self.inputs.items() if part.again is not None}
        kept = torch.tensor([m in inputs for m in self.modalities])
        plan = {m: rows for m, rows in self.plan.items() if m in inputs}
        return replace(self, present=self.present & kept, inputs=inputs, plan=plan)

    def take(self, items: Tensor) -> "Batch":
        """Some of the items ``n`` (host), in that order, as a batch of their own with their positions."""
        present = self.present[items]
        inputs = {}
        for column, modality in enumerate(self.modalities):
            chosen = items[present[:, column]]
            if len(chosen):
                rows = self.present[:, column].cumsum(0) - 1  # inputs hold present items only, so count those before
                inputs[modality] = self.inputs[modality].take(rows[chosen])
        targets = {}
        for label, target in self.targets.items():
            targets[label] = target[items.to(target.device)]
        return replace(
            self,
            ids=tuple(self.ids[item] for item in items.tolist()),
            present=present,
            inputs=inputs,
            targets=targets,
            positions=self.positions[items],
            plan=_rows(present, self.modalities),
            owners=None,
        )

    def chunks(self, size: int) -> tuple["Batch", ...]:
        """The same items in batches of at most ``size``, with the memory of this one; itself if it is no larger."""
        if len(self) <= size:
            return (self,)
        return tuple(self._between(first, first + size) for first in range(0, len(self), size))

    def _between(self, first: int, last: int) -> "Batch":
        """The items of a range: their inputs follow each other, so nothing is copied, pinned memory stays so."""
        present, inputs = self.present[first:last], {}
        for column, modality in enumerate(self.modalities):
            before, count = int(self.present[:first, column].sum()), int(present[:, column].sum())
            if count:
                inputs[modality] = self.inputs[modality].between(before, before + count)
        return replace(
            self,
            ids=self.ids[first:last],
            present=present,
            inputs=inputs,
            targets={label: target[first:last] for label, target in self.targets.items()},
            positions=self.positions[first:last],
            plan=_rows(present, self.modalities),
            owners=None,
        )

    def to(self, device: torch.device | str) -> "Batch":
        """Move inputs and targets; ids and presence stay on the host."""
        inputs, targets = {}, {}
        for modality, part in self.inputs.items():
            inputs[modality] = part.to(device)
        for label, target in self.targets.items():
            targets[label] = target.to(device, non_blocking=True)
        return replace(self, inputs=inputs, targets=targets)

    def pin_memory(self) -> "Batch":
        """Pin what :meth:`to` moves."""
        inputs, targets = {}, {}
        for modality, part in self.inputs.items():
            inputs[modality] = part.pin_memory()
        for label, target in self.targets.items():
            targets[label] = target.pin_memory()
        return replace(self, inputs=inputs, targets=targets)


def _rows(present: Tensor, modalities: Sequence[str]) -> dict[str, Tensor]:
    """For each modality that some item has, the rows of those items."""
    rows = {}
    for column, modality in enumerate(modalities):
        found = present[:, column].nonzero().squeeze(1)
        if len(found):
            rows[modality] = found
    return rows
