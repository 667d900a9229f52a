"""The contract of a schedule: a factor of the learning rate that depends on the progress of the run only."""

from abc import ABC, abstractmethod


class LearningRateSchedule(ABC):
    """Gives the factor by which the configured learning rate is multiplied at a step.

    A schedule is a pure function without state, so a resumed run goes on with the same rates. The warm-up at the
    beginning is the same for all schedules and is not part of them. Constructors are keyword-only.
    """

    @abstractmethod
    def factor(self, progress: float) -> float:
        """The factor of the learning rate.

        Args:
            progress: share of the steps after the warm-up that are done, from 0 to below 1.

        Returns:
            A number from 0 to 1.
        """
