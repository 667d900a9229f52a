"""Training as a job of a cluster: its processes find each other, and a job that is cut off goes on in a new one."""

import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from m5kit.errors import M5KitError

RESUME = "--resume"
STOPPED = 128 + signal.SIGTERM
"""The status of training that saved a checkpoint and stopped because it was told to."""


class TrainingJob:
    """What each process of a job runs; submitit sends it there.

    Args:
        run_command: runs a verb of m5kit and returns its status; given, as the command line lies above this package.
        arguments: ``train`` and all that follows it.
    """

    def __init__(self, run_command: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> None:
        self.run_command = run_command
        self.arguments = tuple(arguments)

    def __call__(self) -> None:
        """Train as one of the processes of the job.

        Raises:
            M5KitError: training failed; its message is above this one in the log.
        """
        from submitit.helpers import TorchDistributedEnvironment  # type: ignore[import-not-found, unused-ignore]

        # A device is chosen by LOCAL_RANK, as under torchrun, so all of a machine's stay visible.
        TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        warning = _Warning()
        status = self.run_command(self.arguments)
        if status == STOPPED and warning.came:
            warning.hand_on()
        if status:
            raise M5KitError(f"training ended with status {status}; the lines above say why")

    def checkpoint(self) -> Any:
        """The job that goes on where this one stopped; submitit asks for it before it queues the job again."""
        from submitit.core.utils import DelayedSubmission  # type: ignore[import-not-found, unused-ignore]

        arguments = self.arguments if RESUME in self.arguments else (*self.arguments, RESUME)
        return DelayedSubmission(TrainingJob(self.run_command, arguments))


class _Warning:
    """The signal with which a cluster announces the end of a job, or its preemption.

    submitit would queue the job again at once. Here training is stopped first, as by SIGTERM, so that it saves; what
    submitit does is put off until then.
    """

    def __init__(self) -> None:
        from submitit.core.job_environment import JobEnvironment  # type: ignore[import-not-found, unused-ignore]

        self.came = False
        self.number = JobEnvironment._usr_sig()
        self._submitits = signal.getsignal(self.number)
        signal.signal(self.number, self._stop_training)

    def _stop_training(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        signal.raise_signal(signal.SIGTERM)

    def hand_on(self) -> None:
        """Let submitit queue the job again; in the first process it does not return."""
        if callable(self._submitits):
            self._submitits(self.number, None)
