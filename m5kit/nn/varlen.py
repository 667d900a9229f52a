"""Attention over packed tokens as they are, by a kernel that some GPUs have; elsewhere a padded grid is used."""

import logging
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

log = logging.getLogger(__name__)

LARGEST_HEAD, HEAD_STEP = 256, 8
"""Widths of a head that the kernel takes: multiples of 8 up to 256."""


def starts_of(lengths: Tensor, device: torch.device | str) -> Tensor | None:
    """Where the tokens of each item begin, and where the last one's end: ``b+1`` int32 on the device.

    Args:
        lengths: ``b`` on the host.
        device: of the tokens.

    Returns:
        None where the device has no kernel that asks for it.
    """
    if not has_kernel(torch.device(device)):
        return None
    starts = torch.zeros(len(lengths) + 1, dtype=torch.int32)
    starts[1:] = lengths.cumsum(0)
    return starts.to(device, non_blocking=True)


def fits(projected: Tensor, heads: int) -> bool:
    """Whether the kernel takes ``n 3d`` projected tokens: half precision, and heads of a width that it knows."""
    width = projected.shape[-1] // (3 * heads)
    return projected.dtype in (torch.bfloat16, torch.float16) and width <= LARGEST_HEAD and width % HEAD_STEP == 0


def attend(projected: Tensor, starts: Tensor, longest: int, heads: int) -> Tensor:
    """Attention of each item's tokens over one another.

    Args:
        projected: ``n 3d``, queries, keys and values side by side.
        starts: as :func:`starts_of` gives them.
        longest: no item has more tokens.
        heads: that share d.

    Returns:
        ``n d``.
    """
    query, key, value = projected.unflatten(-1, (3, heads, -1)).unbind(1)  # n heads d/heads
    mixed: Tensor = _library().varlen_attn(query, key, value, starts, starts, longest, longest)
    return mixed.flatten(1)


@cache
def has_kernel(device: torch.device) -> bool:
    """Whether attention of variable length works on a device, which is tried once, forward and backward."""
    if device.type != "cuda":
        return False
    try:
        projected = torch.ones(3, 3 * HEAD_STEP, device=device, dtype=torch.bfloat16, requires_grad=True)
        mixed = attend(projected, torch.tensor([0, 1, 3], device=device, dtype=torch.int32), 2, heads=1)
        mixed.sum().backward()  # type: ignore[no-untyped-call]
        works = bool((mixed == 1).all())  # the mean of ones
    # Old devices and builds of torch without the kernel say so in errors of several classes.
    except (ImportError, AttributeError, RuntimeError, TypeError) as error:
        log.info("attention of variable length is not used, a padded grid is: %s", error)
        return False
    return works


def _library() -> ModuleType:
    from torch.nn.attention import varlen  # where there is no GPU nobody imports it

    return varlen
