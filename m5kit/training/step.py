"""One optimizer step in plain torch: count, forward and backward, add up over processes, clip, check, update."""

import math
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.models.base import Counts, MicroBatch, Model, PartialLoss, log_counts, mean_logs
from m5kit.models.cached_gradients import CachedGradients, needs_cache, require_chunks
from m5kit.models.pretrainer import Pretrainer
from m5kit.models.whole_step import whole_step
from m5kit.nn.draws import Draws
from m5kit.parallel.gradients import GradientSum
from m5kit.parallel.group import Group
from m5kit.parallel.replica import Replica
from m5kit.structures import Batch
from m5kit.training.exchange import StepExchange


class TrainStep:
    """Updates a model from the micro-batches of a step, without a transfer from the device.

    A step whose loss or gradient is not finite changes neither the parameters nor the optimizer's state. Its values
    stay on the device; whoever reads the log or writes a checkpoint must look at them.

    Args:
        model: in training mode.
        optimizer: of its parameters.
        clip: largest global norm of the gradient; None leaves it as it is.
        precision: ``fp32`` or ``bf16``.
        seed: of the run; together with each item's position it decides what is hidden.
        group: the processes that share a step.
        batch_size: items of a micro-batch over all processes, which only several processes need; None where it varies.
        chunk: most items that have a graph at one time, however many a step has; None for those of a micro-batch.
        replica: what this process holds of the model; None for a copy of it.
        items: of a step on average where their number varies; a step then counts as much as it has items.

    Raises:
        ConfigError: a task of the model cannot be trained in chunks.

    Attributes:
        grad_norm: scalar on the device, of the last step, before clipping.
        counts: by name of a returned value that is a mean, over how many things of this process.
    """

    def __init__(
        self,
        model: Model,
        optimizer: Optimizer,
        clip: float | None,
        precision: str,
        seed: int,
        group: Group | None = None,
        batch_size: int | None = 0,
        chunk: int | None = None,
        replica: Replica | None = None,
        items: float | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.clip = math.inf if clip is None else clip
        self.precision = precision
        self.seed = seed
        self.device = next(model.parameters()).device
        self.grad_norm = torch.zeros((), device=self.device)
        self.counts: Counts = {}
        self.group = group or Group()
        self.replica = replica or Replica(model)
        self.exchange = StepExchange(self.group, model, batch_size, self.replica)
        self.gradients = GradientSum(self.replica, self.group)
        self.chunk = chunk
        self.items = items
        if chunk is not None and isinstance(model, Pretrainer):
            require_chunks(model)

    def __call__(self, batches: Sequence[Batch]) -> dict[str, Tensor]:
        """Take one step, together with the other processes.

        Args:
            batches: its micro-batches, on the host. How the items are cut into them does not change the gradient of
                tasks that do not compare items with each other.

        Returns:
            Scalars on the device; ``loss`` is the objective of the whole step, other losses and means are those of this
            process's items.
        """
        self._seed_dropout(batches)
        self.exchange.begin([len(batch) for batch in batches])
        parts, totals = self._go(batches)
        penalty = self.model.penalty(totals) / self.group.size  # every process adds its share of it
        _backward(penalty)
        self.gradients.reduce()
        self._weigh()
        loss, learned = self.exchange.add(parts, penalty)
        finite = self._update(loss)
        more = self.model.observe(learned, totals, finite)
        self.counts = log_counts(parts)
        return {"loss": loss, **mean_logs(parts), **more, "grad_norm": self.grad_norm}

    def _go(self, batches: Sequence[Batch]) -> tuple[list[PartialLoss], Counts]:
        """Forward and backward; what the parts of the step add to the objective, and the step's counts."""
        chunked = self._exceeds_chunk(batches)
        if not (chunked or self.model.measures_gradients):
            return self._in_batches(batches)
        # Processes have different numbers of chunks, and measure gradients of losses that others may not have.
        with self.replica.whole(learns=True):
            return self._in_chunks(batches) if chunked else self._in_batches(batches)

    def _in_batches(self, batches: Sequence[Batch]) -> tuple[list[PartialLoss], Counts]:
        """Go forward and backward through the micro-batches; what they add to the objective, and the step's counts."""
        with self._autocast():
            prepared = [self.model.prepare(batch, self.seed) for batch in batches]
        prepared = self.exchange.share(prepared)
        # Every loss is divided by what the whole step counts, so all counts must be known before the first backward.
        totals = {name: sum(part.shared[name] for part in prepared) for name in self.model.objectives}
        return [self._go_through(part, totals) for part in prepared], totals

    def _in_chunks(self, batches: Sequence[Batch]) -> tuple[list[PartialLoss], Counts]:
        """The same a chunk at a time; tasks that compare items see those of all micro-batches."""
        chunks: list[Batch] = []
        for batch in batches:
            chunks.extend(batch.chunks(cast(int, self.chunk)))
        if isinstance(self.model, Pretrainer) and needs_cache(self.model):
            return CachedGradients(self.model, chunks, self.seed, self._autocast, self._share_whole)()
        with self._autocast():
            prepared = [self.model.prepare(chunk, self.seed) for chunk in chunks]
        totals = self._share_whole(whole_step(prepared)).shared
        return [self._go_through(part, totals) for part in prepared], totals

    def _share_whole(self, whole: MicroBatch) -> MicroBatch:
        return self.exchange.share([whole], together=True)[0]

    def _exceeds_chunk(self, batches: Sequence[Batch]) -> bool:
        """Whether the step is cut; asked alike on all processes, whose shares of a batch may differ by an item."""
        if self.chunk is None:
            return False
        return len(batches) > 1 or max(len(batches[0]), self.exchange.largest) > self.chunk

    def _seed_dropout(self, batches: Sequence[Batch]) -> None:
        """Let each of several processes drop other values, whatever it computed before."""
        if self.group.size > 1:
            # By position, which no two processes or steps share, and which a resumed run has again.
            torch.manual_seed(int(Draws(self.seed, "dropout", batches[0].positions[:1]).integers(0, 2**31)))

    def _go_through(self, part: MicroBatch, totals: Counts) -> PartialLoss:
        """Forward and backward of one micro-batch: its gradients are added to those that are there."""
        with self._autocast():
            partial = self.model.partial_loss(part, totals)
        _backward(self.replica.linked(partial.loss))
        return partial

    def _autocast(self) -> AbstractContextManager[object]:
        # one that is not enabled takes as long to enter and leave
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()

    def _weigh(self) -> None:
        """Let every item count alike: a gradient is a mean, in which an item of a small step counts for more."""
        if self.items is not None:
            gradients = [cast(Tensor, parameter.grad) for parameter in with_gradient(self.optimizer)]
            torch._foreach_mul_(gradients, self.exchange.items / self.items)

    def _update(self, loss: Tensor) -> Tensor:
        """Clip and update unless something is not finite.

        Returns:
            Scalar bool on the device: the step was finite.
        """
        self.grad_norm = clip_gradients(self.optimizer, self.clip, self.replica.pieces(), self.group)
        finite = loss.isfinite() & self.grad_norm.isfinite()
        guarded_step(self.optimizer, finite)
        self.optimizer.zero_grad()
        return finite


def clip_gradients(
    optimizer: Optimizer, largest: float, pieces: Collection[nn.Parameter] = (), processes: Group | None = None
) -> Tensor:
    """Scale all gradients down to a global norm.

    Args:
        optimizer: its parameters have the gradients.
        largest: the norm that they have at most afterwards.
        pieces: those of its parameters of which other processes hold the rest.
        processes: that hold it.

    Returns:
        The norm before, a scalar on the device.
    """
    parameters = with_gradient(optimizer)
    if processes is None or not pieces:
        return nn.utils.clip_grad_norm_(parameters, largest)
    held = set(pieces)
    own: list[Tensor] = []
    whole: list[Tensor] = []
    for parameter in parameters:
        (own if parameter in held else whole).append(cast(Tensor, parameter.grad))
    device = parameters[0].device  # there may be no gradient of either kind, and then torch gives a zero on the host
    squares = processes.add(nn.utils.get_total_norm(own).square().to(device))
    norm = (squares + nn.utils.get_total_norm(whole).square().to(device)).sqrt()
    nn.utils.clip_grads_with_norm_(parameters, largest, norm)
    return norm


def with_gradient(optimizer: Optimizer) -> list[nn.Parameter]:
    """The parameters that the last step has a gradient for."""
    parameters = []
    for group in optimizer.param_groups:
        parameters += [parameter for parameter in group["params"] if parameter.grad is not None]
    return parameters


def guarded_step(optimizer: Optimizer, finite: Tensor) -> None:
    """Update if ``finite`` (scalar bool on the device); otherwise leave parameters and state as they are.

    Fused optimizers skip the update on the device, as they do for a gradient scaler. For the others the host has to
    ask, which costs a transfer where the device is not the host, and nothing where it is.
    """
    if finite.device.type != "cpu" and getattr(optimizer, "_step_supports_amp_scaling", False):
        optimizer.grad_scale = None  # type: ignore[attr-defined]  # torch reads both from the instance
        optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]
        optimizer.step()
    elif bool(finite):
        optimizer.step()


def _backward(loss: Tensor) -> None:
    """Add the gradients of ``loss``; where nobody has anything there is nothing to go back through."""
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
