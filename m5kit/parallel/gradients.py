"""Adds up the gradients of all processes in a few large buffers, whatever each of them used."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from m5kit.parallel.group import Group
from m5kit.parallel.replica import Replica

BUCKET_BYTES = 32 * 2**20
"""Large enough that a transfer takes longer than its start, small enough that little memory is held twice."""


class GradientSum:
    """After :meth:`reduce` every process has the gradient of the sum of all objectives, in the same bits.

    Which parameters a process used differs with the modalities of its items. A parameter that somebody used gets a
    gradient everywhere; one that nobody used keeps None, as in one process, or the optimizer would let it decay.

    Args:
        replica: what this process holds of the model; parameters without a gradient of their own are left out. Those of
            pieces are added up in the backward pass.
        group: of the run.
    """

    def __init__(self, replica: Replica, group: Group) -> None:
        self.replica, self.group = replica, group
        self.parameters = [parameter for parameter in replica.copies if parameter.requires_grad]
        self._buckets = _buckets(self.parameters) if group.size > 1 else []
        # Behind the first bucket's gradients, on the host, stands a number for each parameter: who used it.
        self._flags = len(self.parameters) + len(replica.used())
        self._carried = bool(self._buckets) and self._buckets[0][0].device.type == "cpu"
        self._buffers = []
        for number, bucket in enumerate(self._buckets):
            self._buffers.append(_buffer(bucket, self._flags if self._carried and number == 0 else 0))

    @torch.no_grad()
    def reduce(self) -> None:
        """Replace the gradients by their sums; nothing happens in a process that is alone."""
        if self.group.size == 1:
            return
        own = self._own_flags()
        for number, (bucket, buffer) in enumerate(zip(self._buckets, self._buffers, strict=True)):
            _fill(bucket, buffer)
            if self._carried and number == 0:
                buffer[-self._flags :] = torch.tensor(own, dtype=buffer.dtype)
            self.group.add(buffer)
        used = self._used(own)
        self._hand_out(used)
        self.replica.give_gradients(used[len(self.parameters) :])

    def _own_flags(self) -> list[bool]:
        """Which parameters, bucket after bucket, and then which pieces, this process has a gradient of."""
        flags = []
        for bucket in self._buckets:
            flags += [parameter.grad is not None for parameter in bucket]
        return flags + self.replica.used()

    def _used(self, own: list[bool]) -> list[bool]:
        """The same of any process; called when the gradients are on their way."""
        if self._carried:
            return (self._buffers[0][-self._flags :] > 0).tolist()  # type: ignore[no-any-return]
        # On the host by themselves: flags on the device would have to be waited for before the update.
        return self.group.all_bytes(torch.tensor(own, dtype=torch.uint8)).any(0).tolist()  # type: ignore[no-any-return]

    def _hand_out(self, used: Sequence[bool]) -> None:
        """Let the buffers serve as gradients until the next step; nothing is copied back."""
        at = 0
        for bucket, buffer in zip(self._buckets, self._buffers, strict=True):
            for parameter, view in zip(bucket, _views(bucket, buffer), strict=True):
                parameter.grad = view if used[at] else None
                at += 1


def _fill(bucket: Sequence[nn.Parameter], buffer: Tensor) -> None:
    """Write the gradients into the buffer; zeros where there are none."""
    for parameter, view in zip(bucket, _views(bucket, buffer), strict=True):
        if parameter.grad is None:
            view.zero_()
        else:
            view.copy_(parameter.grad)


def _buckets(parameters: Sequence[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Parameters of one kind of number and one device, in pieces; the last ones first, as backward gives them."""
    open_by_kind: dict[tuple[torch.dtype, torch.device], list[nn.Parameter]] = {}
    buckets = []
    for parameter in reversed(parameters):
        bucket = open_by_kind.setdefault((parameter.dtype, parameter.device), [])
        if not bucket:
            buckets.append(bucket)
        bucket.append(parameter)
        if sum(each.numel() * each.element_size() for each in bucket) >= BUCKET_BYTES:
            del open_by_kind[parameter.dtype, parameter.device]
    return buckets


def _buffer(bucket: Sequence[nn.Parameter], more: int) -> Tensor:
    return bucket[0].new_empty(sum(parameter.numel() for parameter in bucket) + more, requires_grad=False)


def _views(bucket: Sequence[nn.Parameter], buffer: Tensor) -> list[Tensor]:
    """The piece of the buffer that holds each parameter's gradient."""
    sizes = [parameter.numel() for parameter in bucket]
    pieces = buffer[: sum(sizes)].split(sizes)
    return [piece.view_as(parameter) for piece, parameter in zip(pieces, bucket, strict=True)]
