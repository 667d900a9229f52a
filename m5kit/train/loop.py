"""The training loop: whole optimiser steps, counted from any step, over a data stream that starts there."""

from dataclasses import dataclass
from time import perf_counter

from torch.utils.data import DataLoader

from m5kit.structures import Batch
from m5kit.train.mmengine import BaseLoop, Runner


@dataclass(frozen=True, slots=True)
class StepData:
    """What one optimiser step reads: its number, counted from 0, and its micro-batches."""

    step: int
    batches: tuple[Batch, ...]


class StepLoop(BaseLoop):  # type: ignore[misc]  # mmengine ships no types
    """Runs steps until ``max_steps``.

    mmengine's loop resumes by reading and decoding every batch that it skips; here the sampler starts where the run
    stopped.

    Args:
        runner: mmengine's runner.
        dataloader: endless; its batch sampler has the attributes ``start`` (in items) and ``batch_size``.
        max_steps: where to stop.
        accumulate: micro-batches a step.
    """

    def __init__(self, runner: Runner, dataloader: DataLoader[Batch], max_steps: int, accumulate: int) -> None:
        super().__init__(runner, dataloader)
        self.max_iters = max_steps
        self.accumulate = accumulate
        self.iter = 0
        self.epoch, self.max_epochs = 0, 1  # mmengine's hooks ask for them
        self.stop_training = False
        self.waited = 0.0  # seconds that the last step waited for data

    def run(self) -> None:
        """Train from ``iter`` on."""
        self.runner.call_hook("before_train")
        self.runner.model.train()
        sampler = self.dataloader.batch_sampler
        sampler.start = self.iter * self.accumulate * sampler.batch_size
        stream = iter(self.dataloader) if self.iter < self.max_iters else None
        while stream is not None and self.iter < self.max_iters and not self.stop_training:
            started = perf_counter()
            data = StepData(self.iter, tuple(next(stream) for _ in range(self.accumulate)))
            self.waited = perf_counter() - started
            self.run_step(data)
        self.runner.call_hook("after_train")

    def run_step(self, data: StepData) -> None:
        """One optimiser step, with the hooks around it."""
        self.runner.call_hook("before_train_iter", batch_idx=self.iter, data_batch=data)
        outputs = self.runner.model.train_step(data, optim_wrapper=self.runner.optim_wrapper)
        self.runner.call_hook("after_train_iter", batch_idx=self.iter, data_batch=data, outputs=outputs)
        self.iter += 1
