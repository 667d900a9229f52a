"""The contract of a balancer: the factor of each task's loss in the sum that is optimised."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn


class Balancer(nn.Module, ABC):
    """Weighs the losses of t tasks (loss weighting).

    A step has one or more micro-batches. Factors are asked for before any loss is known, so that they are the same for
    all of them; the losses of the whole step are shown once at its end. Constructors are keyword-only; ``tasks``, the
    names of the t tasks in order, is filled in where taken. Parameters are trained along with the model's; a balancer
    that learns by a rule of its own does so in :meth:`observe` and keeps what it learned in persistent buffers, so that
    a run resumes to the same bits.

    Attributes:
        filled_in: names of the arguments that m5kit gives, so that a config need not.
        needs_norms: whether :meth:`observe` needs the norms; they cost one backward pass through the fusion per task.
        logs_factors: whether the run logs the factors; False where they are always 1.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset({"tasks"})
    needs_norms: bool = False
    logs_factors: bool = True

    @abstractmethod
    def factors(self, present: Tensor) -> Tensor:
        """The factor of each loss; the model adds up ``weight x factor x loss``.

        Called once a micro-batch: it must depend on the state and ``present`` only, and change nothing.

        Args:
            present: ``t`` bool on the model's device; False for a task that has nothing to learn in the whole step.

        Returns:
            ``t``, none negative, with a gradient if they are learned by descent. Those of absent tasks are not used.
        """

    def penalty(self, present: Tensor) -> Tensor:
        """A term for each task, ``t``, added once a step, times the task's ``weight``; 0 for an absent task."""
        return present * 0.0

    def observe(self, losses: Tensor, norms: Tensor | None, present: Tensor) -> None:
        """Learn from a step in training; a task that is absent teaches nothing.

        Args:
            losses: ``t``, of the whole step, without gradient and without weights or factors; 0 where absent.
            norms: ``t``, of the gradient of each of these losses on the encoded tokens before the fusion; None unless
                :attr:`needs_norms`.
            present: ``t`` bool; all False for a step that was not finite.
        """

    def forward(self, present: Tensor) -> Tensor:
        """Same as :meth:`factors`."""
        return self.factors(present)
