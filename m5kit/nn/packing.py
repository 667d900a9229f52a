"""Packing: dense layers run on the real tokens only, attention on a padded grid of them.

The plan is made on the host from lengths, so the device is never asked how many tokens there are. A recorded graph
cannot do so, because the number of real tokens is data: :func:`padded_layout` keeps all slots and hides the padding.
Shape letters: b item, l token, d width, n real token of the whole batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from m5kit.nn.varlen import starts_of

_PADDED: ContextVar[bool] = ContextVar("padded_layout", default=False)


@contextmanager
def padded_layout() -> Iterator[None]:
    """Keep every slot of a grid while the context lasts; masks hide the padding, and results are the same.

    It costs the padding's share of the work. What it saves is every size that depends on data, which ``torch.export``
    cannot record.
    """
    token = _PADDED.set(True)
    try:
        yield
    finally:
        _PADDED.reset(token)


def is_padded_layout() -> bool:
    """Whether plans must not depend on lengths."""
    return _PADDED.get()


def may_have_tokens(lengths: Tensor) -> bool:
    """Whether any of the rows (``b``, host) has a token; where no size may depend on lengths, some may."""
    return is_padded_layout() or bool(lengths.any())


@dataclass(frozen=True, slots=True)
class Packing:
    """The positions of n packed tokens in a padded ``b l`` grid.

    Attributes:
        items: the rows b of the grid.
        size: its columns l.
        positions: ``n`` flat positions in ``b * l``, each at most once; None if the tokens fill the grid in order.
        keys: ``b 1 1 l`` bool, True where attention may look; None if it may look everywhere.
        real: ``b l`` bool, the slots that are not padding, where the padding was not packed away; else None.
        starts: ``b+1``, where each item's packed tokens begin, if the device has attention of variable length.
    """

    items: int
    size: int
    positions: Tensor | None
    keys: Tensor | None
    real: Tensor | None = None
    starts: Tensor | None = None

    @classmethod
    def from_lengths(cls, lengths: Tensor, size: int, device: torch.device | str = "cpu") -> "Packing":
        """Pack the first ``lengths`` of ``size`` tokens of each row; ``lengths`` (``b``) is on the host.

        Example:
            >>> packing = Packing.from_lengths(torch.tensor([1, 2]), 2)
            >>> packing.pack(torch.tensor([[[5.0], [0.0]], [[6.0], [7.0]]]))
            tensor([[5.],
                    [6.],
                    [7.]])
        """
        if is_padded_layout():
            real = (torch.arange(size) < lengths[:, None]).to(device, non_blocking=True)
            return cls(lengths.shape[0], size, None, _key_mask(lengths, size, device), real)
        packing = cls.at(real_positions(lengths, size), lengths.shape[0], size, device)
        keys = None if packing.positions is None else _key_mask(lengths, size, device)
        return replace(packing, keys=keys, starts=starts_of(lengths, device))

    @classmethod
    def at(cls, positions: Tensor, items: int, size: int, device: torch.device | str = "cpu") -> "Packing":
        """Pack tokens that come in an order of their own: token i stands at ``positions[i]`` (host) of the grid.

        Such a packing rearranges tokens; it has no keys, so it is not for attention.
        """
        # a full grid needs no gather; the most common case in evaluation
        in_order = len(positions) == items * size and bool((positions.diff() == 1).all())
        return cls(items, size, None if in_order else positions.to(device, non_blocking=True), None)

    def dense(self) -> "Packing":
        """The same grid without packing, as a reference: every slot is a token, and a mask hides the padding."""
        return replace(self, positions=None, starts=None)

    def pack(self, values: Tensor) -> Tensor:
        """``b l ...`` to ``n ...``."""
        flat = values.flatten(0, 1)
        return flat if self.positions is None else _Gather.apply(flat, self.positions)  # type: ignore[no-any-return]

    def unpack(self, values: Tensor) -> Tensor:
        """``n ...`` to ``b l ...``, zeros where there is no token."""
        shape = (self.items, self.size, *values.shape[1:])
        if self.positions is None:
            return self._blank(values.view(shape))
        # index_copy_ into zeros: each position occurs at most once, so nothing is summed
        return values.new_zeros(self.items * self.size, *shape[2:]).index_copy_(0, self.positions, values).view(shape)

    def _blank(self, values: Tensor) -> Tensor:
        """``b l ...`` with zeros in the padding, if there is any."""
        if self.real is None:
            return values
        return values.masked_fill(~self.real.view(*self.real.shape, *[1] * (values.dim() - 2)), 0.0)


def real_positions(lengths: Tensor, size: int) -> Tensor:
    """Flat positions ``n`` in ``b * size`` of the first ``lengths`` columns of each row, all on the host."""
    return (torch.arange(size) < lengths[:, None]).flatten().nonzero().squeeze(1)


def _key_mask(lengths: Tensor, size: int, device: torch.device | str) -> Tensor:
    """True where attention may look; a row without tokens looks at one padded slot, or softmax would give NaN."""
    mask = torch.arange(size) < lengths.clamp(min=1)[:, None]
    return mask[:, None, None].to(device, non_blocking=True)


class _Gather(torch.autograd.Function):
    """Select rows, each at most once. The gradient is then a copy, which is far cheaper than the usual sum."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, positions: Tensor) -> Tensor:
        ctx.save_for_backward(positions)
        ctx.rows = len(values)
        return values.index_select(0, positions)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (positions,) = ctx.saved_tensors
        (gradient,) = gradients
        return gradient.new_zeros(ctx.rows, *gradient.shape[1:]).index_copy_(0, positions, gradient), None
