"""What mmengine's runner trains: a model of m5kit, one optimiser step at a time."""

import numpy as np
import torch
from torch import Tensor, nn

from m5kit.models.finetuner import Finetuner
from m5kit.models.pretrainer import Pretrainer
from m5kit.train.loop import StepData
from m5kit.train.optim import StepOptimWrapper


class TrainingModule(nn.Module):
    """Adds ``train_step`` to a model.

    Args:
        model: a pretrainer or finetuner.
        seed: with the step's number it decides what the tasks hide, so that no state needs to be carried.
    """

    def __init__(self, model: Pretrainer | Finetuner, seed: int) -> None:
        super().__init__()
        self.model = model
        self.seed = seed

    def train_step(self, data: StepData, optim_wrapper: StepOptimWrapper) -> dict[str, Tensor]:
        """One optimiser step over the micro-batches.

        Returns:
            Scalars on the device, means over the micro-batches; ``loss`` is the total.
        """
        device = next(self.parameters()).device
        logs: list[dict[str, Tensor]] = []
        for index, batch in enumerate(data.batches):
            generator = host_generator(self.seed, data.step, index)
            with optim_wrapper.optim_context(self):
                output = self.model.loss(batch.to(device), generator)
            optim_wrapper.backward(output.loss / len(data.batches))
            logs.append({"loss": output.loss.detach(), **output.logs})
        optim_wrapper.step()
        optim_wrapper.zero_grad()
        return _mean(logs)


def host_generator(*numbers: int) -> torch.Generator:
    """A host generator that is a pure function of ``numbers``."""
    seed = np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed >> np.uint64(1)))


def _mean(logs: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    if len(logs) == 1:
        return logs[0]
    everywhere = [key for key in logs[0] if all(key in log for log in logs)]
    return {key: torch.stack([log[key] for log in logs]).mean() for key in everywhere}
