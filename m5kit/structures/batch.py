"""Collated items: inputs by modality, and who has what."""

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
            index). All that is random for an item follows from it; counted from 0 if nobody says.
        plan: by modality that somebody has, the positions ``p`` of those items. It is made where the batch is made, in
            a worker, so that the process that trains has no index to compute.
    """

    ids: tuple[str, ...]
    modalities: tuple[str, ...]
    present: Tensor
    inputs: Mapping[str, Inputs]
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    positions: Tensor = None  # type: ignore[assignment]  # filled in below: a default must not be shared
    plan: Mapping[str, Tensor] = None  # type: ignore[assignment]

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

    def only(self, modalities: Sequence[str]) -> "Batch":
        """The same items as if they had nothing but ``modalities``."""
        kept = torch.tensor([m in modalities for m in self.modalities])
        inputs = {m: part for m, part in self.inputs.items() if m in modalities}
        plan = {m: rows for m, rows in self.plan.items() if m in modalities}
        return replace(self, present=self.present & kept, inputs=inputs, plan=plan)

    def augmented_again(self) -> "Batch":
        """The same items as their second augmentation made them; what has none is left out."""
        inputs = {m: part.again for m, part in self.inputs.items() if part.again is not None}
        kept = torch.tensor([m in inputs for m in self.modalities])
        plan = {m: rows for m, rows in self.plan.items() if m in inputs}
        return replace(self, present=self.present & kept, inputs=inputs, plan=plan)

    def take(self, items: Tensor) -> "Batch":
        """Some of the items ``n`` (host), in that order, as a batch of their own: what was drawn for them stays."""
        present = self.present[items]
        inputs = {}
        for column, modality in enumerate(self.modalities):
            chosen = items[present[:, column]]
            if len(chosen):
                rows = self.present[:, column].cumsum(0) - 1  # of each item that has it, among those
                inputs[modality] = self.inputs[modality].take(rows[chosen])
        return replace(
            self,
            ids=tuple(self.ids[item] for item in items.tolist()),
            present=present,
            inputs=inputs,
            targets={name: target[items.to(target.device)] for name, target in self.targets.items()},
            positions=self.positions[items],
            plan=_rows(present, self.modalities),
        )

    def to(self, device: torch.device | str) -> "Batch":
        """Move inputs and targets; ids and presence stay on the host."""
        return replace(
            self,
            inputs={m: part.to(device) for m, part in self.inputs.items()},
            targets={name: target.to(device, non_blocking=True) for name, target in self.targets.items()},
        )

    def pin_memory(self) -> "Batch":
        """Pin what :meth:`to` moves."""
        return replace(
            self,
            inputs={m: part.pin_memory() for m, part in self.inputs.items()},
            targets={name: target.pin_memory() for name, target in self.targets.items()},
        )


def _rows(present: Tensor, modalities: Sequence[str]) -> dict[str, Tensor]:
    rows = {}
    for column, modality in enumerate(modalities):
        found = present[:, column].nonzero().squeeze(1)
        if len(found):
            rows[modality] = found
    return rows
