"""Tensors of which each process holds some rows, beside those that every process has whole."""

from typing import TYPE_CHECKING, TypeGuard

from torch import Tensor

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def is_sharded(tensor: Tensor) -> "TypeGuard[DTensor]":
    """Whether this process has only a piece of it. Asked without importing what only sharded runs need."""
    return hasattr(tensor, "to_local")


def held(tensor: Tensor) -> Tensor:
    """What this process has of a tensor, in the same memory."""
    return tensor.to_local() if is_sharded(tensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor, on the host; all processes must ask for it."""
    return (tensor.full_tensor() if is_sharded(tensor) else tensor).detach().cpu()


def piece_of(tensor: Tensor, other: Tensor) -> Tensor:
    """This process's piece of a whole tensor, cut as ``other`` is; all of it if that is whole."""
    if not is_sharded(other):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    there = tensor.to(device=other.device, dtype=other.dtype)
    # Without a source, as every process has all of it: nothing is sent.
    return distribute_tensor(there, other.device_mesh, other.placements, src_data_rank=None).to_local()


def like(piece: Tensor, other: Tensor) -> Tensor:
    """The tensor of which all processes hold pieces, cut as ``other`` is; the piece itself if that is whole."""
    if not is_sharded(other):
        return piece
    from torch.distributed.tensor import DTensor

    return DTensor.from_local(
        piece, other.device_mesh, other.placements, run_check=False, shape=other.shape, stride=other.stride()
    )
