"""What goes into a recorded graph: plain tensors by name, which are the inputs of each modality."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m5kit.data.dataset import Prepared
from m5kit.structures import Inputs

PRESENT = "present"
"""The name of the mask ``b k``: which of the k modalities an item has."""

PADDING, NO_FACT = 0, -1
"""What stands behind the last real step of values and of extras; see :meth:`Inputs.stack`."""


@dataclass(frozen=True, slots=True)
class Port:
    """The tensors of one modality.

    Attributes:
        modality: its name, and the name of its values.
        example: inputs of one item.
    """

    modality: str
    example: Inputs

    @property
    def has_steps(self) -> bool:
        """Whether items differ in length: the first axis of the values is then padded, and lengths are an input."""
        return int(self.example.lengths) == self.example.values.shape[0]

    @property
    def extras(self) -> list[str]:
        """Names of the integer facts a step."""
        return sorted(self.example.extras)

    @property
    def names(self) -> list[str]:
        """Of the tensors, in the order of :meth:`tensors`."""
        lengths = [f"{self.modality}_lengths"] if self.has_steps else []
        return [self.modality, *lengths, *(f"{self.modality}_{extra}" for extra in self.extras)]

    @property
    def axes(self) -> list[list[str | int]]:
        """The axes of each tensor: a name where the size is free."""
        size = self.example.values.shape
        found: list[list[str | int]] = [["batch", *size]]
        if self.has_steps:
            steps = f"{self.modality}_steps"
            found = [["batch", steps, *size[1:]], ["batch"]]
            found += [["batch", steps] for _ in self.extras]
        else:
            found += [["batch", *self.example.extras[extra].shape] for extra in self.extras]
        return found

    def tensors(self, inputs: Inputs) -> list[Tensor]:
        """The tensors that stand for inputs of b items."""
        lengths = [inputs.lengths] if self.has_steps else []
        return [inputs.values, *lengths, *(inputs.extras[extra] for extra in self.extras)]

    def inputs(self, tensors: Iterator[Tensor]) -> Inputs:
        """Take the modality's tensors off an iterator, and make inputs of b items of them."""
        values = next(tensors)
        if self.has_steps:
            # An absent item may have any length; no encoder was made for items without a step.
            lengths = next(tensors).clamp(min=1)
        else:
            lengths = torch.full((values.shape[0],), int(self.example.lengths))
        return Inputs(values, lengths, {extra: next(tensors) for extra in self.extras})

    def absent(self) -> Inputs:
        """What stands in the row of an item that lacks the modality: one step of padding, or zeros of the full size."""
        values, extras = self.example.values, self.example.extras
        steps = slice(1 if self.has_steps else None)
        return Inputs(
            torch.full_like(values[steps], PADDING),
            self.example.lengths.clamp(max=1),
            {name: torch.full_like(each[steps], NO_FACT) for name, each in extras.items()},
        )


def feed(ports: Sequence[Port], items: Sequence[Prepared]) -> dict[str, NDArray[Any]]:
    """The arrays by name that a graph wants for items whatever they lack.

    Args:
        ports: of the graph.
        items: prepared by the run's transforms.
    """
    present = [[port.modality in item.inputs for port in ports] for item in items]
    fed: dict[str, NDArray[Any]] = {PRESENT: np.array(present)}
    for port in ports:
        stacked = Inputs.stack([item.inputs.get(port.modality) or port.absent() for item in items])
        for name, tensor in zip(port.names, port.tensors(stacked), strict=True):
            fed[name] = tensor.numpy()
    return fed


def read(ports: Sequence[Port], tensors: Sequence[Tensor]) -> tuple[Tensor, Mapping[str, Inputs]]:
    """The mask and the inputs by modality of the tensors of a graph, in their order."""
    present, *rest = tensors
    left = iter(rest)
    return present, {port.modality: port.inputs(left) for port in ports}
