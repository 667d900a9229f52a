"""The contract of a schedule: the learning rate as a factor that depends on nothing but how far the run is."""

from abc import ABC, abstractmethod


class LearningRateSchedule(ABC):
    """Says which share of the configured learning rate a step is made with.

    A schedule is a pure function: it keeps no state, so a run that is resumed needs none. The warm-up at the beginning
    is the same for all of them and is done elsewhere. Constructors are keyword-only.
    """

    @abstractmethod
    def factor(self, progress: float) -> float:
        """The factor of the learning rate.

        Args:
            progress: share of the run after the warm-up that is done, from 0 to below 1.

        Returns:
            A number from 0 to 1.
        """
