"""The contract of a hook: it looks on while a model is trained, keeps what it likes, and may end the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn

WEIGHTS = "weights."
"""What the names of tensors begin with that a hook offers instead of the trained ones, see :class:`Hook`."""


@dataclass(slots=True)
class Training:
    """A run, as its hooks see it.

    Attributes:
        model: what is trained, on its device.
        folder: of the run; a hook writes its files here.
        max_steps: where the run ends.
        step: optimizer steps done, those before a resumption counted.
        ids: names of the items of the last step.
        logs: scalars of the last step, on the device; reading one waits for it, ``after_figures`` gives numbers.
        stopped: why a hook ended the run; None while it goes on.
    """

    model: nn.Module
    folder: Path
    max_steps: int
    step: int = 0
    ids: tuple[str, ...] = ()
    logs: Mapping[str, Tensor] = field(default_factory=dict)
    stopped: str | None = None

    def stop(self, reason: str) -> None:
        """End the run after this step, with a checkpoint, as if it were the last; the first reason counts."""
        # Hooks run one after the other; a later one that also wants to stop must not hide what came first.
        self.stopped = self.stopped or reason


class Hook:
    """Does something at moments of a training run; every method is optional.

    Constructors are keyword-only. A hook leaves parameters, gradients and random states as they are, so that a run with
    it is the run without it. What it must know to go on after an interruption it gives in :meth:`state_dict`; that goes
    into the checkpoints, and a run resumes to the same bits.

    A hook may offer other weights than the trained ones, as an average over the run: tensors of its state named
    ``weights.NAME`` for every ``NAME`` of the model's ``state_dict``. Whoever evaluates the run, embeds with it or
    starts from it gets those; only one hook of a run may.

    Attributes:
        everywhere: of several processes all have the hook, not the first one alone. The first has all that a hook needs
            to watch a run: the weights, the figures, the run's folder. A hook that changes something of the model must
            do so everywhere; its state is then saved by the first.
        takes_pieces: of a model that is shared out in pieces (``parallel.shard``) all processes have the hook. The
            sharded tensors of its state (torch's ``DTensor``) are gathered for the checkpoint.
    """

    everywhere: ClassVar[bool] = False
    takes_pieces: ClassVar[bool] = False

    def before_train(self, training: Training) -> None:
        """The run begins, or goes on; a saved state has been loaded by now."""

    def before_step(self, training: Training) -> None:
        """A step begins; ``ids`` are those of its items."""

    def after_step(self, training: Training) -> None:
        """The optimizer has updated the model."""

    def after_figures(self, training: Training, figures: Mapping[str, float]) -> None:
        """The step was one that is logged; ``figures`` are those of ``metrics.jsonl``."""

    def after_train(self, training: Training) -> None:
        """The run ends, also where it was stopped, but not where it failed."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors and JSON data by name."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state_dict` gave; called before :meth:`before_train`."""
