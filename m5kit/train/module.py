"""What mmengine's runner trains: a model of m5kit, one optimiser step at a time."""

from torch import Tensor, nn

from m5kit.models.base import Model
from m5kit.train.loop import StepData
from m5kit.train.optim import StepOptimWrapper
from m5kit.train.step import TrainStep


class TrainingModule(nn.Module):
    """Adds ``train_step`` to a model.

    Args:
        model: what is trained.
        seed: together with each item's position it decides what the tasks hide, so that no state needs to be carried.
    """

    def __init__(self, model: Model, seed: int) -> None:
        super().__init__()
        self.model = model
        self.seed = seed
        self.step: TrainStep | None = None

    def train_step(self, data: StepData, optim_wrapper: StepOptimWrapper) -> dict[str, Tensor]:
        """One optimiser step over the micro-batches; scalars on the device."""
        if self.step is None:  # the runner builds the wrapper after the model
            optimizer, clip, precision = optim_wrapper.optimizer, optim_wrapper.clip, optim_wrapper.precision
            self.step = TrainStep(self.model, optimizer, clip, precision, self.seed)
        outputs = self.step(data.batches)
        optim_wrapper.grad_norm = self.step.grad_norm
        return outputs
