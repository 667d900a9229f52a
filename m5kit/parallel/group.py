"""The processes of a run: how they find each other, and what they tell each other on the host.

A launcher such as torchrun starts the processes and sets ``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``, ``MASTER_ADDR`` and
``MASTER_PORT``. Without these a process is alone, and nothing here costs it anything.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch import distributed as dist

from m5kit.errors import M5KitError
from m5kit.parallel.launcher import agent_store, own_rank, restarts, started_processes
from m5kit.parallel.notice import Notice

Value = TypeVar("Value")

_PATIENT = timedelta(days=30)
"""For waits in which the others do a long piece of work; a process that dies ends them at once all the same."""


class Group:
    """A process that is alone; the base of :class:`ProcessGroup`.

    Attributes:
        rank: number of this process, from 0.
        size: how many processes there are.
        notice: what they tell each other with each step.
    """

    rank, size = 0, 1

    def __init__(self) -> None:
        self.notice = Notice()

    @property
    def first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def values(self, value: Value) -> list[Value]:
        """What each process gives, by rank: anything that JSON holds."""
        return [value]

    def of_first(self, value: Value) -> Value:
        """What the first process gives."""
        return value

    def gathered(self, value: Value) -> list[Value]:
        """What each process gives, by rank, for the first process: anything that pickle holds; the others get none."""
        return [value]

    def all_bytes(self, own: Tensor) -> Tensor:
        """Rows ``size n`` (uint8, host) of all processes, each of which gives ``n``."""
        return own[None]

    def add(self, values: Tensor) -> Tensor:
        """Sum over the processes, on the device, written into ``values``."""
        return values

    def align(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors on the device with those of the first process."""

    def wait(self) -> None:
        """Wait until all processes are here, however long that takes."""

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """A block that the first process runs while the others wait, and the others run when it is done."""
        yield

    @contextmanager
    def joined(self) -> Iterator[None]:
        """A block in which the processes need each other.

        Raises:
            M5KitError: another process has ended, or was not heard of for too long.
        """
        yield


class ProcessGroup(Group):
    """One of several processes.

    Four channels keep what happens at the same time apart. Gradients and features are both sent in a backward pass,
    whose order is not the same everywhere; facts are on the host, and a wait has no time limit.

    Args:
        backend: ``nccl`` for GPUs or ``gloo``.
        timeout: seconds after which a process that the others wait for is given up.
    """

    def __init__(self, backend: str, timeout: float) -> None:
        super().__init__()
        self.backend, self.timeout = backend, timeout
        limit = timedelta(seconds=timeout)
        dist.init_process_group(backend, timeout=limit, **_meeting_point())
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.gradients = _channel(backend, limit)
        self.features = _channel(backend, limit)
        self.facts = _channel("gloo", limit)
        self.patient = _channel("gloo", _PATIENT)

    def values(self, value: Value) -> list[Value]:
        """What each process gives, by rank."""
        own = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        dist.all_gather(lengths, torch.tensor([len(own)]), group=self.facts)
        sizes = [int(length) for length in lengths]
        padded = torch.zeros(max(sizes), dtype=torch.uint8)
        padded[: len(own)] = own
        rows = self.all_bytes(padded)
        return [json.loads(bytes(row[:size].tolist())) for row, size in zip(rows, sizes, strict=True)]

    def of_first(self, value: Value) -> Value:
        """What the first process gives; what the others give is not sent."""
        return self.values(value if self.first else None)[0]  # type: ignore[return-value]

    def gathered(self, value: Value) -> list[Value]:
        """What each process gives, for the first."""
        every: list[Value] | None = [value] * self.size if self.first else None
        dist.gather_object(value, every, dst=0, group=self.facts)
        return every or []

    def all_bytes(self, own: Tensor) -> Tensor:
        """Rows ``size n`` of all processes."""
        rows = torch.empty(self.size * len(own), dtype=torch.uint8)
        gather_rows(rows, own, self.facts)
        return rows.view(self.size, len(own))

    def add(self, values: Tensor) -> Tensor:
        """Sum over the processes, the same bits on all of them."""
        dist.all_reduce(values, group=self.gradients)
        return values

    def align(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite them with those of the first process."""
        for tensor in tensors:
            dist.broadcast(tensor.detach(), src=0, group=self.gradients)

    def wait(self) -> None:
        """Wait for all."""
        dist.barrier(group=self.patient)

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """The first, then the others."""
        if not self.first:
            self.wait()
        yield
        # Not in a ``finally``: where the first fails it ends, and that ends the waiting of the others.
        if self.first:
            self.wait()

    @contextmanager
    def joined(self) -> Iterator[None]:
        """A block in which they need each other; at its end each goes its own way."""
        try:
            yield
        except RuntimeError as error:
            if not is_lost_contact(error):
                raise
            cause = str(error).partition(". ")[0]
            raise M5KitError(
                f"contact with another process was lost ({cause}). It has ended, and says above "
                f"or in its own log why, or it was not heard of for {self.timeout:g} s (parallel.timeout). "
                "--resume goes on from the last checkpoint"
            ) from error
        # Not in a ``finally``: a process that fails ends at once, which is how the others learn of it.
        dist.destroy_process_group()


def _meeting_point() -> dict[str, Any]:
    """Where processes find each other; after a restart they must not find the addresses of those before it."""
    store = agent_store()
    if store is None:
        return {}
    fresh = dist.PrefixStore(f"m5kit/attempt/{restarts()}", store)  # type: ignore[attr-defined]  # made in C++
    return {"store": fresh, "rank": own_rank(), "world_size": started_processes()}


def gather_rows(every: Tensor, own: Tensor, channel: dist.ProcessGroup) -> None:
    """Write the rows of all processes, equally many from each, into ``every``."""
    # Torch 2.14 renamed it, and warns of the old name.
    gather = getattr(dist, "all_gather_single", dist.all_gather_into_tensor)
    gather(every, own.contiguous(), group=channel)


def scatter_sum(own: Tensor, every: Tensor, channel: dist.ProcessGroup) -> None:
    """Write the sum over the processes of this one's rows of ``every`` into ``own``."""
    scatter = getattr(dist, "reduce_scatter_single", dist.reduce_scatter_tensor)
    scatter(own, every.contiguous(), group=channel)


def exchange_rows(own: Tensor, given: Sequence[int], taken: Sequence[int], channel: dist.ProcessGroup) -> Tensor:
    """The rows that all processes have for this one.

    Args:
        own: those that this one has for the others, the first process's first.
        given: how many of them it sends to each process.
        taken: how many it gets from each.
        channel: on which.
    """
    came = own.new_empty(sum(taken), *own.shape[1:])
    dist.all_to_all_single(came, own.contiguous(), list(taken), list(given), group=channel)
    return came


def _channel(backend: str, limit: timedelta) -> dist.ProcessGroup:
    made = dist.new_group(backend=backend, timeout=limit)
    return cast(dist.ProcessGroup, made)  # torch gives a number only to a process that is no member


def is_lost_contact(error: RuntimeError) -> bool:
    """Whether a collective failed, not the code around it; gloo's errors have no class of their own."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)
