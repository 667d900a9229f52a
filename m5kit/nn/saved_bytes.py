"""Counts what a forward pass keeps for its backward pass, without keeping it."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.multiprocessing.reductions import StorageWeakRef


@contextmanager
def saved_bytes(model: nn.Module) -> Iterator[list[int]]:
    """The bytes of each tensor that autograd saves inside a ``with`` block, in order.

    Memory that several tensors share counts with the first of them, that of parameters and buffers not at all. Nothing
    is kept, so a pass needs no more memory than one without gradients; in return it has no backward pass.

    Args:
        model: whose parameters and buffers are there anyway.
    """
    owned = {_memory_of(tensor).cdata for tensor in (*model.parameters(), *model.buffers())}
    # Weak references, while they exist, keep addresses from being used again, not the memory itself.
    seen: dict[int, StorageWeakRef] = {}
    found: list[int] = []

    def count(tensor: Tensor) -> None:
        memory = _memory_of(tensor)
        if memory.cdata in owned:
            return
        found.append(0 if memory.cdata in seen else tensor.untyped_storage().nbytes())
        seen[memory.cdata] = memory

    with saved_tensors_hooks(count, _refuse):  # type: ignore[no-untyped-call]
        yield found


def _memory_of(tensor: Tensor) -> StorageWeakRef:
    return StorageWeakRef(tensor.untyped_storage())


def _refuse(saved: None) -> Tensor:
    raise RuntimeError("a pass whose saved tensors are only counted cannot go back; leave saved_bytes for that")
