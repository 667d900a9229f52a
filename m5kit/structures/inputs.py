"""The inputs that an encoder reads, and failures to read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an encoder reads: the inputs of one item, as a transform returns them, or of p items after :meth:`stack`.

    Attributes:
        values: ``l ...`` for one item, ``p l ...`` for many; any dtype. A picture is ``3 h w`` and ``p 3 h w``.
        lengths: scalar or ``p``, int64 on the host: how many steps along the padded axis are real.
        extras: integers for each step (``l`` or ``p l``), on the host: entity number, role, frame number.
        again: the same item or items, augmented a second time; None unless a task asks for it.
    """

    values: Tensor
    lengths: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    again: "Inputs | None" = None

    @classmethod
    def single(cls, values: Tensor, extras: Mapping[str, Tensor] | None = None, length: int | None = None) -> "Inputs":
        """Wrap one item's values; the first axis is the padded one unless ``length`` says otherwise."""
        return cls(values, torch.tensor(values.shape[0] if length is None else length), extras or {})

    @classmethod
    def stack(cls, items: Sequence["Inputs"]) -> "Inputs":
        """Collate p items, padding the first axis with zeros (extras with -1) to the longest."""
        longest = max(item.values.shape[0] for item in items)
        values = torch.stack([_pad_first(item.values, longest, 0) for item in items])
        extras = {}
        for name in items[0].extras:
            extras[name] = torch.stack([_pad_first(item.extras[name], longest, -1) for item in items])
        second = [item.again for item in items if item.again is not None]
        again = cls.stack(second) if second else None
        return cls(values, torch.stack([item.lengths for item in items]), extras, again)

    def take(self, rows: Tensor) -> "Inputs":
        """The inputs of rows ``n`` (host), in that order, padded as before."""
        extras = {name: extra[rows] for name, extra in self.extras.items()}
        again = None if self.again is None else self.again.take(rows)
        return Inputs(self.values[rows.to(self.values.device)], self.lengths[rows], extras, again)

    def between(self, first: int, last: int) -> "Inputs":
        """The inputs of a range of rows, padded to the longest of them, without a copy."""
        lengths, rows = self.lengths[first:last], slice(first, last)
        # Where the longest fills the first axis, that axis is padded; the first axis of a picture is its colours.
        padded = int(self.lengths.max()) == self.values.shape[1]
        steps = slice(int(lengths.max()) if padded else None)
        extras = {name: extra[rows, steps] for name, extra in self.extras.items()}
        again = None if self.again is None else self.again.between(first, last)
        return Inputs(self.values[rows, steps], lengths, extras, again)

    def to(self, device: torch.device | str) -> "Inputs":
        """Move the values; the plan stays on the host."""
        again = None if self.again is None else self.again.to(device)
        return replace(self, values=self.values.to(device, non_blocking=True), again=again)

    def pin_memory(self) -> "Inputs":
        """Pin the values for an asynchronous copy (PyTorch's DataLoader calls this)."""
        again = None if self.again is None else self.again.pin_memory()
        return replace(self, values=self.values.pin_memory(), again=again)


def _pad_first(values: Tensor, size: int, fill: int) -> Tensor:
    """Extend the first axis to ``size`` with ``fill``."""
    missing = size - values.shape[0]
    # torch counts the axes of padding from the last one, two numbers each
    return pad(values, [0, 0] * (values.dim() - 1) + [0, missing], value=fill) if missing else values


@dataclass(frozen=True, slots=True)
class Failure:
    """A modality of an item, or one of its values, that could not be decoded, and why.

    Attributes:
        id: of the item.
        modality: its name.
        reason: in a sentence.
        value: the number of the damaged value where the modality has several and another one was read.
        lost: whether the item goes on without the modality; not if another value of it was read.
    """

    id: str
    modality: str
    reason: str
    value: int = 0
    lost: bool = True
