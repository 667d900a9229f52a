"""The contract of a callback, what m5kit itself does beside the steps of a run; the hooks of a config are another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.structures import Batch


@dataclass(frozen=True, slots=True)
class StepData:
    """What one optimizer step reads: its number, counted from 0, and its micro-batches."""

    step: int
    batches: tuple[Batch, ...]


@dataclass(slots=True)
class TrainState:
    """A run while it is trained.

    Attributes:
        model: what is trained, on its device.
        optimizer: its learning rates are those of the last step.
        max_steps: where the run ends.
        step: optimizer steps done, those before a resumption counted.
        stopping: the run ends after this step, as if it were the last.
        waited: seconds that the last step waited for data.
        counts: by name of an output of the last step, over how many things of this process it is a mean; 1 if none is
            given.
    """

    model: nn.Module
    optimizer: Optimizer
    max_steps: int
    step: int = 0
    stopping: bool = False
    waited: float = 0.0
    counts: Mapping[str, float] = field(default_factory=dict)

    @property
    def last(self) -> bool:
        """Whether no step follows."""
        return self.stopping or self.step >= self.max_steps


def is_logged(state: TrainState, every_steps: int) -> bool:
    """Whether the values of the step that is done are logged."""
    return state.step % every_steps == 0 or state.last


class Callback:
    """Does something at moments of a run; every method is optional."""

    def before_train(self, state: TrainState) -> None:
        """The run begins, or goes on from ``state.step``."""

    def before_step(self, state: TrainState, data: StepData) -> None:
        """A step begins."""

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """The optimizer has updated the model; ``outputs`` are scalars on the device."""

    def after_train(self, state: TrainState) -> None:
        """The run ends, also where it was stopped, but not where it failed."""
