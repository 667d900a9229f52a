"""Counts the bytes of all tensors that are alive, whatever the C library holds of what they gave back."""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveTensors(TorchDispatchMode):
    """Follows the memory of tensors that operations make while it is entered.

    Attributes:
        now: bytes that are alive.
        peak: the most that were alive between two operations.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: dict[int, int] = {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        made = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._follow(tensor.untyped_storage())
        self.peak = max(self.peak, self.now)
        return made

    def _follow(self, memory: torch.UntypedStorage) -> None:
        # Autograd keeps the memory, not the tensor that Python sees: the memory is what must be watched.
        if memory._cdata not in self._known:
            self._known[memory._cdata] = memory.nbytes()
            self.now += memory.nbytes()
            weakref.finalize(memory, self._forget, memory._cdata)

    def _forget(self, known: int) -> None:
        self.now -= self._known.pop(known)
