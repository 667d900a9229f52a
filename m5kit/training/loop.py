"""The training loop: whole optimizer steps, counted from any step, over a data stream that starts there."""

from time import perf_counter
from typing import Any

from torch.utils.data import DataLoader

from m5kit.structures import Batch
from m5kit.training.callbacks.base import StepData, TrainState
from m5kit.training.rates import LearningRates


class StepLoop:
    """Runs steps until the last one.

    mmengine's own loop resumes by reading and decoding every batch that it skips; here the sampler starts where the run
    stopped.

    Args:
        runner: calls the hooks, and holds the model and the optimizer's wrapper.
        dataloader: endless; its batch sampler can ``skip`` batches.
        state: of the run; the loop counts its steps.
        rates: the learning rate of each step.
        accumulate: micro-batches a step.
    """

    runner: Any
    dataloader: Any

    def __init__(
        self, runner: Any, dataloader: DataLoader[Batch], state: TrainState, rates: LearningRates, accumulate: int
    ) -> None:
        super().__init__(runner, dataloader)  # type: ignore[call-arg]  # mmengine's base, mixed in by the adapter
        self.state, self.rates, self.accumulate = state, rates, accumulate
        self.iter, self.max_iters = state.step, state.max_steps
        self.epoch, self.max_epochs = 0, 1  # mmengine's hooks ask for them

    def run(self) -> None:
        """Train from ``iter`` on."""
        self.runner.call_hook("before_train")
        self.runner.model.train()
        self.dataloader.batch_sampler.skip(self.iter * self.accumulate)
        if not self.state.last:  # a run that is over starts no workers
            stream = iter(self.dataloader)
            while not self.state.last:
                self.rates.apply(self.iter)
                self.run_step(self._read(stream))
        self.runner.call_hook("after_train")

    def run_step(self, data: StepData) -> None:
        """One optimizer step, with the hooks around it."""
        self.runner.call_hook("before_train_iter", batch_idx=self.iter, data_batch=data)
        outputs = self.runner.model.train_step(data, optim_wrapper=self.runner.optim_wrapper)
        self.runner.call_hook("after_train_iter", batch_idx=self.iter, data_batch=data, outputs=outputs)
        self.iter += 1

    def _read(self, stream: Any) -> StepData:
        started = perf_counter()
        batches = tuple(next(stream) for _ in range(self.accumulate))
        self.state.waited = perf_counter() - started
        return StepData(self.iter, batches)
