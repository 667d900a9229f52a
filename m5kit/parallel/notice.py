"""What the processes of a run tell each other in passing, with the exchange that each step has anyway."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_LAYOUT = "=Bd"


def _no_clock() -> float:
    return 0.0


@dataclass(slots=True)
class Notice:
    """A few facts of this process, and those that were told.

    Attributes:
        signal: that this process was sent and that ends the run; 0 for none.
        clock: reads how many seconds this process has been training.
        told_signal: that some process had been sent when the step was exchanged; 0 for none.
        told_seconds: what the clock of the first process read then.
    """

    signal: int = 0
    clock: Callable[[], float] = _no_clock
    told_signal: int = 0
    told_seconds: float = 0.0

    def own(self) -> Tensor:
        """This process's facts, in bytes (uint8)."""
        return torch.frombuffer(bytearray(struct.pack(_LAYOUT, self.signal, self.clock())), dtype=torch.uint8)

    def tell(self, every: Sequence[Sequence[int]]) -> None:
        """Take the facts of all processes, as :meth:`own` gave them, by rank."""
        facts = [struct.unpack(_LAYOUT, bytes(each)) for each in every]
        self.told_signal = max(signal for signal, _ in facts)
        self.told_seconds = facts[0][1]
