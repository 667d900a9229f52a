"""What the processes of a run tell each other in a step: what each has, and what came of it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from m5kit.models.base import MicroBatch, Model, PartialLoss
from m5kit.parallel.group import Group, ProcessGroup
from m5kit.parallel.peers import GroupPeers
from m5kit.parallel.replica import Replica
from m5kit.parallel.shares import shares


class StepExchange:
    """One small transfer on the host before the losses of a step, and one on the device after them.

    Whatever the processes have to agree on goes with the first: each transfer costs its way, not its length.

    A process that is alone gets back what it gives.

    Args:
        group: of the run.
        model: what is trained.
        batch_size: items of a micro-batch, over all processes; None where it varies.
        replica: what this process holds of the model.

    Attributes:
        sizes: items that each process has of each micro-batch of the step.
    """

    def __init__(self, group: Group, model: Model, batch_size: int | None, replica: Replica | None = None) -> None:
        self.group, self.model, self.replica = group, model, replica
        self.even = None if batch_size is None else shares(batch_size, group.size)
        self.sizes: list[list[int]] = []

    def begin(self, own: Sequence[int]) -> None:
        """Learn how many items the processes have of each micro-batch of a step.

        Args:
            own: how many this process has.
        """
        if self.even is not None:
            self.sizes = [self.even] * len(own)
            return
        rows = self.group.all_bytes(torch.tensor(own).view(torch.uint8))
        self.sizes = rows.contiguous().view(torch.int64).T.tolist()

    @property
    def largest(self) -> int:
        """The most items that a process has of a micro-batch of the step."""
        return max(map(max, self.sizes))

    @property
    def items(self) -> int:
        """How many items the step has, over all processes."""
        return sum(map(sum, self.sizes))

    def share(self, prepared: Sequence[MicroBatch], together: bool = False) -> list[MicroBatch]:
        """Tell each micro-batch what all processes have of it.

        Args:
            prepared: this process's parts of the micro-batches of a step.
            together: whether there is one part, with the items of all the step's micro-batches.
        """
        if not isinstance(self.group, ProcessGroup):
            return list(prepared)
        names = self.model.objectives
        # Counts are whole numbers well below 2 ** 53, so their sum has no rounding.
        counts = torch.tensor([[part.counts[name] for name in names] for part in prepared], dtype=torch.float64)
        present = [self.model.backbone.present(part.batch) for part in prepared]
        sizes = [[sum(of_process) for of_process in zip(*self.sizes, strict=True)]] if together else self.sizes
        positions = [part.batch.positions for part in prepared]
        sums, everyone, every_position = _tell(self.group, counts, present, positions, sizes)
        shared = []
        for part, total, there, where, of_part in zip(prepared, sums, everyone, every_position, sizes, strict=True):
            peers = GroupPeers(self.group, there, of_part, where, self.replica)
            shared.append(self.model.share(part, peers, dict(zip(names, total, strict=True))))
        return shared

    def add(self, parts: Sequence[PartialLoss], penalty: Tensor) -> tuple[Tensor, list[PartialLoss]]:
        """The objective of the whole step, and the parts from which the model learns without descent.

        Args:
            parts: of this process.
            penalty: its share of what is asked once a step.
        """
        own = [part.loss.detach() for part in parts]
        loss = (own[0] if len(own) == 1 else torch.stack(own).sum()) + penalty.detach()
        if self.group.size == 1:
            return loss, list(parts)
        losses = torch.stack([part.losses for part in parts]).sum(0)
        measured = [part.squares for part in parts if part.squares is not None]
        pieces = [loss[None], losses]
        if self.model.measures_gradients:
            # Zeros of a process that had nothing to measure: all send equally many numbers.
            pieces.append(torch.stack(measured).sum(0) if measured else torch.zeros_like(losses))
        # one exchange for all of them, in the type that holds each exactly
        added = self.group.add(torch.cat([piece.double() for piece in pieces]))
        parts_added = added.split([len(piece) for piece in pieces])
        sums = [total.to(piece.dtype) for total, piece in zip(parts_added, pieces, strict=True)]
        return sums[0][0], [PartialLoss(sums[0][0], sums[1], sums[2] if len(sums) > 2 else None, {})]


def _tell(
    group: ProcessGroup,
    counts: Tensor,
    present: Sequence[Tensor],
    positions: Sequence[Tensor],
    sizes: Sequence[Sequence[int]],
) -> tuple[list[list[float]], list[Tensor], list[Tensor]]:
    """By micro-batch, sums of the counts over the processes, and presence ``B m`` and positions ``B`` of their items.

    Args:
        group: of the run; its notice is told too.
        counts: ``a t`` of this process, for a micro-batches.
        present: a of ``b m``.
        positions: a of ``b``.
        sizes: the b of each process, by micro-batch.
    """
    most = max(map(max, sizes))
    flags = torch.stack([_padded(there, most) for there in present]).to(torch.uint8)
    numbers = torch.stack([_padded(own, most) for own in positions])
    own = [counts.view(torch.uint8), numbers.view(torch.uint8), flags, group.notice.own()]
    # All in one message: what costs time is its way, not its length.
    rows = group.all_bytes(torch.cat([piece.flatten() for piece in own]))
    every = [piece.contiguous() for piece in rows.split([piece.numel() for piece in own], dim=1)]
    sums = every[0].view(torch.float64).view(group.size, *counts.shape).sum(0)
    where = _joined(every[1].view(torch.int64).view(group.size, *numbers.shape), sizes)
    there = _joined(every[2].bool().view(group.size, *flags.shape), sizes)
    group.notice.tell(every[3].tolist())
    return sums.tolist(), there, where


def _padded(rows: Tensor, size: int) -> Tensor:
    """As many rows as the largest share has."""
    return torch.cat([rows, rows.new_zeros(size - len(rows), *rows.shape[1:])])


def _joined(shares: Tensor, sizes: Sequence[Sequence[int]]) -> list[Tensor]:
    """``B ...`` of each of a micro-batches, of the padded shares ``r a b ...`` of r processes."""
    joined = []
    for part, of_part in zip(shares.unbind(1), sizes, strict=True):
        joined.append(torch.cat([share[:size] for share, size in zip(part, of_part, strict=True)]))
    return joined
