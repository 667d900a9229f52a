"""The only adapter to mmengine: its runner drives the loop and calls the hooks; everything else is m5kit's own.

mmengine asks transformers for one optimizer that m5kit never uses. With peft installed that alone imports most of
transformers, sympy and torch's compiler: three seconds at the start of every command. While mmengine is imported here
transformers looks as if it were not installed, which mmengine is written for; afterwards it can be imported as ever.
PyTorch's sharded optimizers and sharded models, 0.8 s that m5kit does not use either, are kept out in the same way.

mmengine's configs, which m5kit does not use, import yapf. At its first import on a machine yapf writes a pickle that
every later import reads, also one that comes while the file is half written: of several ranks that start together in a
new home folder, some ended with EOFError. It is imported only when somebody has a config of mmengine formatted.
"""

import logging
import os
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.utils.data import DataLoader

from m5kit.structures import Batch
from m5kit.training.callbacks.base import Callback, StepData, TrainState
from m5kit.training.left_out import imported_later, not_installed, stand_in
from m5kit.training.loop import StepLoop
from m5kit.training.rates import LearningRates
from m5kit.training.step import TrainStep

with (
    not_installed("transformers"),
    not_installed("torch.distributed.optim"),
    # mmengine takes it for granted that models can be sharded
    not_installed("torch.distributed.fsdp"),
    imported_later("yapf"),
    imported_later("yapf.yapflib.yapf_api", "FormatCode"),
    stand_in("mmengine.model.wrappers.fully_sharded_distributed", "MMFullyShardedDataParallel"),
):
    from mmengine.hooks import Hook
    from mmengine.logging import MMLogger
    from mmengine.optim import OptimWrapper
    from mmengine.runner import BaseLoop, Runner
    from mmengine.visualization import Visualizer

_LEFT_OUT = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")
"""mmengine's default hooks, all of them: callbacks do what is needed of it."""


def build_runner(
    folder: Path,
    step: TrainStep,
    loader: DataLoader[Batch],
    state: TrainState,
    rates: LearningRates,
    accumulate: int,
    callbacks: Sequence[Callback],
    seed: int,
    resume: Callable[[], int],
) -> "QuietRunner":
    """Mmengine's runner of a run; ``train()`` trains.

    Args:
        folder: the run's folder.
        step: makes one optimizer step.
        loader: endless batches.
        state: of the run, shared by the loop and the callbacks.
        rates: the learning rate of each step.
        accumulate: micro-batches a step.
        callbacks: in the order in which they are called.
        seed: of the global random states.
        resume: restores the last checkpoint, if there is one, and returns the step to go on from. It is called after
            mmengine has seeded the random states, which a checkpoint brings back.
    """
    return QuietRunner(
        folder,
        lambda runner: _MMEngineLoop(runner, loader, state, rates, accumulate),
        resume,
        model=_Module(state, step),
        train_dataloader=loader,
        train_cfg={},
        optim_wrapper=OptimWrapper(state.optimizer),
        default_hooks=dict.fromkeys(_LEFT_OUT),
        custom_hooks=[_CallbackHook(callbacks, state)],
        randomness={"seed": seed},
    )


class _MMEngineLoop(StepLoop, BaseLoop):  # type: ignore[misc]  # mmengine ships no types
    """The loop, as a kind of loop that mmengine's runner accepts."""


class _Module(nn.Module):
    """A module with the method that mmengine's loops call.

    Args:
        state: of the run; the runner moves its model to the device.
        step: makes one optimizer step.
    """

    def __init__(self, state: TrainState, step: TrainStep) -> None:
        super().__init__()
        self.model, self.state, self.step = state.model, state, step

    def train_step(self, data: StepData, optim_wrapper: OptimWrapper) -> Mapping[str, Tensor]:
        """One step; the wrapper is not asked for anything."""
        outputs = self.step(data.batches)
        self.state.counts = self.step.counts
        return outputs


class _CallbackHook(Hook):  # type: ignore[misc]  # mmengine ships no types
    """Turns mmengine's moments into those of callbacks, in their order."""

    def __init__(self, callbacks: Sequence[Callback], state: TrainState) -> None:
        self.callbacks, self.state = callbacks, state

    def before_train(self, runner: Any) -> None:
        self.state.step = runner.iter
        for callback in self.callbacks:
            callback.before_train(self.state)

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        for callback in self.callbacks:
            callback.before_step(self.state, data_batch)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self.state.step = batch_idx + 1
        for callback in self.callbacks:
            callback.after_step(self.state, data_batch, outputs)

    def after_train(self, runner: Any) -> None:
        for callback in self.callbacks:
            callback.after_train(self.state)


class QuietRunner(Runner):  # type: ignore[misc]  # mmengine ships no types
    """mmengine's runner without what breaks or slows it beside current libraries.

    Left out, each for a reason found by running it: the environment report (imports torchvision and fails beside a
    mismatched one), the dump of the config (calls a code formatter), its own log file and banners, the visualiser's
    figure (a second at every start), and its checkpoints (pickles that torch no longer loads).

    Args:
        folder: the run's folder.
        make_loop: called when mmengine would build a loop; its own way copies the arguments, the model among them.
        resume: called when mmengine would load a checkpoint; returns the step to go on from.
        keywords: everything else goes to mmengine.
    """

    def __init__(
        self, folder: Path, make_loop: Callable[["QuietRunner"], StepLoop], resume: Callable[[], int], **keywords: Any
    ) -> None:
        self._make_loop, self._resume_from = make_loop, resume
        # mmengine keeps loggers and hubs by name in the process; two runs must never share one
        name = f"m5kit-{os.getpid()}-{random.SystemRandom().getrandbits(48):012x}"
        super().__init__(work_dir=str(folder), experiment_name=name, default_scope="m5kit", **keywords)

    @property
    def timestamp(self) -> str:
        """Names mmengine's log folder; the run's own folder serves."""
        return "."

    def build_logger(self, log_level: int | str = "INFO", log_file: str | None = None, **keywords: Any) -> MMLogger:
        """A logger that reports errors only: the run's messages are m5kit's own."""
        return MMLogger.get_instance(name=self.experiment_name, log_level=logging.ERROR)

    def build_visualizer(self, visualizer: Any = None) -> Visualizer | None:
        """None: m5kit's callbacks write the events."""
        return None

    def build_train_loop(self, loop: Any) -> StepLoop:
        """m5kit's loop."""
        return loop if isinstance(loop, StepLoop) else self._make_loop(self)

    def wrap_model(self, model_wrapper_cfg: Any, model: nn.Module) -> nn.Module:
        """The model as it is: on its device, alone in its process; mmengine would look for mmcv once a module."""
        return model

    def load_or_resume(self) -> None:
        """Continue from m5kit's checkpoint."""
        self.train_loop.iter = self._resume_from()

    def dump_config(self) -> None:
        """The run folder already holds the config."""

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """The run folder already holds the versions."""
