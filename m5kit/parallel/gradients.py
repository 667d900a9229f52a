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
        self._buffers = [_buffer(bucket) for bucket in self._buckets]

    @torch.no_grad()
    def reduce(self) -> None:
        """Replace the gradients by their sums; nothing happens in a process that is alone."""
        if self.group.size == 1:
            return
        used = self._used()
        self.replica.give_gradients(used[len(self.parameters) :])
        at = 0
        for bucket, buffer in zip(self._buckets, self._buffers, strict=True):
            views = _views(bucket, buffer)
            for parameter, view in zip(bucket, views, strict=True):
                if parameter.grad is None:
                    view.zero_()
                else:
                    view.copy_(parameter.grad)
            self.group.add(buffer)
            for parameter, view in zip(bucket, views, strict=True):
                # The buffer itself serves as the gradient until the next step; nothing is copied back.
                parameter.grad = view if used[at] else None
                at += 1

    def _used(self) -> list[bool]:
        """Which parameters, bucket after bucket, and then which pieces, some process has a gradient of."""
        flags = []
        for bucket in self._buckets:
            flags += [parameter.grad is not None for parameter in bucket]
        flags += self.replica.used()
        # On the host: a flag on the device would have to be waited for before the update.
        return self.group.all_bytes(torch.tensor(flags, dtype=torch.uint8)).any(0).tolist()  # type: ignore[no-any-return]


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


def _buffer(bucket: Sequence[nn.Parameter]) -> Tensor:
    return bucket[0].new_empty(sum(parameter.numel() for parameter in bucket), requires_grad=False)


def _views(bucket: Sequence[nn.Parameter], buffer: Tensor) -> list[Tensor]:
    """The piece of the buffer that holds each parameter's gradient."""
    pieces = buffer.split([parameter.numel() for parameter in bucket])
    return [piece.view_as(parameter) for piece, parameter in zip(pieces, bucket, strict=True)]
