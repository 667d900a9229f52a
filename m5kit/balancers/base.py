"""The contract of a balancer: what stands for each task's loss in the sum that is optimised."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Balanced:
    """What a balancer makes of the losses.

    Attributes:
        terms: ``t``, one a task; the model adds them up, each times the ``weight`` that the config gives its task.
        weights: ``t``, the factor of each loss in its term, without gradient, for the log; None if it is always 1.
    """

    terms: Tensor
    weights: Tensor | None = None


class Balancer(nn.Module, ABC):
    """Balances the losses of t tasks.

    Constructors are keyword-only; ``tasks``, the names of the t tasks in order, is filled in where taken. Parameters
    are trained along with the model's; a balancer that learns by a rule of its own does so in :meth:`forward` while it
    is in training mode, and keeps what it learned in persistent buffers, so that a run resumes to the same bits.

    Attributes:
        filled_in: names of the arguments that m5kit gives, so that a config need not.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset({"tasks"})

    @abstractmethod
    def forward(self, losses: Sequence[Tensor], present: Tensor, shared: Sequence[Tensor]) -> Balanced:
        """Balance one batch.

        Args:
            losses: t scalars, one a task. Each has a graph of its own, so that gradients of one can be asked for
                (with ``retain_graph=True``: the model goes back through all of them later).
            present: ``t`` bool on the losses' device; False for a task that had nothing to learn from in this batch.
                Its loss is 0 and its term must be 0.
            shared: what all tasks build on: the encoded tokens ``b l d`` of every modality in the batch, before the
                fusion. Empty if nobody in the batch has anything.
        """
