"""Collectives with their true adjoints: what is gathered takes gradients back to the process that it came from.

The objective is the sum of what all processes have, and so its gradient is the sum of theirs. Under that convention the
adjoint of gathering rows is to add up the gradients of one's own rows over all processes, and that of a sum is a sum.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from m5kit.parallel.group import ProcessGroup, exchange_rows, gather_rows, scatter_sum
from m5kit.parallel.replica import Replica
from m5kit.parallel.routes import Route


class GroupPeers:
    """Those that share one micro-batch.

    Args:
        group: of the run.
        everyone: presence ``B m`` on the host of the items of all processes.
        sizes: how many of them each process has.
        positions: ``B`` on the host, of the same items.
        replica: what this process holds of the model.
    """

    def __init__(
        self,
        group: ProcessGroup,
        everyone: Tensor,
        sizes: Sequence[int],
        positions: Tensor | None = None,
        replica: Replica | None = None,
    ) -> None:
        self.replica = replica
        self._positions = torch.arange(sum(sizes)) if positions is None else positions
        self.group, self.everyone, self.sizes = group, everyone, tuple(sizes)
        self.size = group.size
        self.first = sum(sizes[: group.rank])
        # A leaf that needs a gradient: with it, backward reaches the collectives on every process.
        self.anchors: tuple[Tensor, ...] = (torch.zeros((), requires_grad=True),)

    def present(self, own: Tensor) -> Tensor:
        """Presence of the items of all processes, as they told each other at the beginning of the step."""
        return self.everyone

    def positions(self, own: Tensor) -> Tensor:
        """Positions of the items of all processes, as they told each other."""
        return self._positions

    def rows(self, values: Tensor) -> Tensor:
        """Rows of all processes; whole numbers have no gradient."""
        padded = self._pad(values)
        if values.is_floating_point():
            every = _Rows.apply(padded, self._anchor(values), self.group)
        else:
            every = _gather(padded, self.group)
        return self._unpad(every)

    def total(self, values: Tensor) -> Tensor:
        """Sum over the processes."""
        return _Total.apply(values, self._anchor(values), self.group)  # type: ignore[no-any-return]

    def host_rows(self, values: Tensor) -> Tensor:
        """Rows of all processes on the host."""
        padded = self._pad(values).contiguous()
        every = self.group.all_bytes(padded.view(torch.uint8).flatten()).view(values.dtype)
        return self._unpad(every.view(-1, *values.shape[1:]))

    def take(self, values: Tensor, wanted: Tensor) -> Tensor:
        """Rows of any process; each sends only what others ask for."""
        route = Route.of(wanted, self.sizes, self.group.rank)
        sent = values.index_select(0, route.sent.to(values.device, non_blocking=True))
        came = _Sent.apply(sent, self._anchor(values), route, self.group)
        return came.index_select(0, route.order.to(values.device, non_blocking=True))  # type: ignore[no-any-return]

    def _anchor(self, values: Tensor) -> Tensor:
        """Where the values are; the host does not wait for its way there."""
        return self.anchors[0].to(values.device, non_blocking=True)

    def pass_by(self, module: nn.Module) -> None:
        """Call a sharded part with nothing; a copy needs nobody."""
        if self.replica is not None:
            self.replica.pass_by(module)

    def _pad(self, values: Tensor) -> Tensor:
        """As many rows as the largest share has: a collective wants the same number from all."""
        missing = max(self.sizes) - len(values)
        return torch.cat([values, values.new_zeros(missing, *values.shape[1:])]) if missing else values

    def _unpad(self, every: Tensor) -> Tensor:
        largest = max(self.sizes)
        if min(self.sizes) == largest:
            return every
        # The shares are host numbers, so that cutting waits for no device.
        return torch.cat([part[:size] for part, size in zip(every.split(largest), self.sizes, strict=True)])


class _Rows(torch.autograd.Function):
    """Gathers equally many rows from each process."""

    @staticmethod
    def forward(context: Any, values: Tensor, anchor: Tensor, group: ProcessGroup) -> Tensor:
        context.group = group
        return _gather(values, group)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        group = context.group
        own = gradient.new_empty(len(gradient) // group.size, *gradient.shape[1:])
        scatter_sum(own, gradient, group.features)
        return own, None, None


class _Total(torch.autograd.Function):
    """Adds up over the processes; so does its adjoint."""

    @staticmethod
    def forward(context: Any, values: Tensor, anchor: Tensor, group: ProcessGroup) -> Tensor:
        context.group = group
        return _added(values, group)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        return _added(gradient, context.group), None, None


class _Sent(torch.autograd.Function):
    """Sends rows where they are wanted; its adjoint sends gradients back."""

    @staticmethod
    def forward(context: Any, values: Tensor, anchor: Tensor, route: Route, group: ProcessGroup) -> Tensor:
        context.route, context.group = route, group
        return exchange_rows(values.detach(), route.given, route.taken, group.features)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:  # type: ignore[override]
        route = context.route
        given_back = exchange_rows(gradient, route.taken, route.given, context.group.features)
        return given_back, None, None, None


def _gather(values: Tensor, group: ProcessGroup) -> Tensor:
    every = values.new_empty(group.size * len(values), *values.shape[1:])
    gather_rows(every, values.detach(), group.features)
    return every


def _added(values: Tensor, group: ProcessGroup) -> Tensor:
    added = values.detach().clone()
    dist.all_reduce(added, group=group.features)
    return added
