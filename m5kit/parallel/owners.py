"""Optimizers that read whole matrices, for a model of which each process holds pieces: every matrix has an owner.

An elementwise optimizer updates the pieces where they are. One that makes a matrix orthogonal, or keeps a mean of its
rows, needs all of it. So the pieces of a parameter and of its gradient are sent to one process, which updates the whole
and sends the new rows back. Each process owns about as much as any other of the model, and so of the optimizer's state.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.parallel.group import ProcessGroup, exchange_rows
from m5kit.parallel.replica import BuildOptimizer, Groups

Pieces = Mapping[nn.Parameter, nn.Parameter]
"""By sharded parameter, what this process holds of it."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A parameter of which every process holds some rows.

    Attributes:
        piece: the rows of this process.
        whole: what the optimizer knows it by; only its owner has memory for it, and only during a step.
        sizes: how many numbers of it each process holds.
        owner: rank of the process that updates it.
    """

    piece: nn.Parameter
    whole: nn.Parameter
    sizes: tuple[int, ...]
    owner: int


class OwnersOptimizer(Optimizer):
    """The optimizer of one process, of whose updates each process makes some.

    It is built over all parameters, so its groups and its numbering are those of a run without shards. On a process
    only copies and what it owns ever have a gradient there; the others are passed over, and get no state.

    Args:
        build: makes it from groups of whole parameters.
        groups: of the model's parameters.
        pieces: those that are sharded.
        processes: that hold the rest.
    """

    def __init__(self, build: BuildOptimizer, groups: Groups, pieces: Pieces, processes: ProcessGroup) -> None:
        self.processes = processes
        owned = _share_out(groups, pieces, processes)
        for group in groups:
            group["params"] = [owned[p].whole if p in owned else p for p in group["params"]]
        self.inner = build(groups)
        self.owned = {each.whole: each for each in owned.values()}
        held = [{**group, "params": self._held(group["params"])} for group in self.inner.param_groups]
        super().__init__(held, {})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step, together with the other processes."""
        for group, inner in zip(self.param_groups, self.inner.param_groups, strict=True):
            inner["lr"] = group["lr"]  # the schedule writes it where the pieces are
        kinds: dict[torch.dtype, list[Owned]] = defaultdict(list)
        for each in self.owned.values():
            if each.piece.grad is not None:  # on all processes, or on none
                kinds[each.piece.dtype].append(each)
        for learning in kinds.values():
            self._collect(learning)
        self.inner.step()
        for learning in kinds.values():
            self._hand_back(learning)

    def state_dict(self) -> dict[str, Any]:
        """The state of what this process updates."""
        return self.inner.state_dict()

    def saved(self, keep: bool) -> dict[str, Any]:
        """The whole state, on the host; all processes must ask for it, and only who is to ``keep`` it does."""
        own, whole = self.inner.state_dict(), {}
        for number, parameter in enumerate(self._parameters()):
            values = _on_host(own["state"].get(number))
            if parameter in self.owned:
                every = self.processes.gathered(values)
                values = every[self.owned[parameter].owner] if every else None
            if keep and values is not None:
                whole[number] = values
        return {**own, "state": whole}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take this process's part of a whole state."""
        kept = {}
        for number, parameter in enumerate(self._parameters()):
            ours = parameter not in self.owned or self.owned[parameter].owner == self.processes.rank
            if ours and number in state_dict["state"]:
                kept[number] = state_dict["state"][number]
        self.inner.load_state_dict({**state_dict, "state": kept})

    def _held(self, parameters: Sequence[nn.Parameter]) -> list[nn.Parameter]:
        """What this process holds of them."""
        return [self.owned[parameter].piece if parameter in self.owned else parameter for parameter in parameters]

    def _parameters(self) -> list[nn.Parameter]:
        """All of them, whole, in the order in which the state numbers them."""
        parameters: list[nn.Parameter] = []
        for group in self.inner.param_groups:
            parameters += group["params"]
        return parameters

    def _collect(self, learning: Sequence[Owned]) -> None:
        """Send pieces and gradients to the owners; what this process owns is whole afterwards."""
        ranks = range(self.processes.size)
        sent = [_with_gradients(_of(learning, rank)) for rank in ranks]
        mine = _of(learning, self.processes.rank)
        sizes = [_twice(each.sizes[rank] for each in mine) for rank in ranks]
        came = _exchanged(sent, sizes, learning[0].piece, self.processes)
        for place, each in enumerate(mine):
            each.whole.data = torch.cat([rows[2 * place] for rows in came]).view(each.whole.shape)
            each.whole.grad = torch.cat([rows[2 * place + 1] for rows in came]).view(each.whole.shape)

    def _hand_back(self, learning: Sequence[Owned]) -> None:
        """Send the updated rows to the processes that hold them, and give the memory of the wholes back."""
        ranks, own = range(self.processes.size), self.processes.rank
        rows = [each.whole.flatten().split(each.sizes) for each in _of(learning, own)]
        sizes = [[each.sizes[own] for each in _of(learning, rank)] for rank in ranks]
        sent = [[parts[rank] for parts in rows] for rank in ranks]
        came = _exchanged(sent, sizes, learning[0].piece, self.processes)
        for rank in ranks:
            for each, updated in zip(_of(learning, rank), came[rank], strict=True):
                each.piece.copy_(updated.view_as(each.piece))
        for each in _of(learning, own):
            each.whole.data, each.whole.grad = _without_memory(each.whole), None


def _share_out(groups: Groups, pieces: Pieces, processes: ProcessGroup) -> dict[nn.Parameter, Owned]:
    """Give each sharded parameter to the process that owns least so far, the largest first."""
    trained: list[nn.Parameter] = []
    for group in groups:
        trained += [parameter for parameter in group["params"] if parameter in pieces]
    every = processes.values([pieces[parameter].numel() for parameter in trained])
    sizes = dict(zip(trained, zip(*every, strict=True), strict=True))
    load, owned = [0] * processes.size, {}
    for parameter in sorted(trained, key=lambda each: -sum(sizes[each])):
        owner = load.index(min(load))
        load[owner] += sum(sizes[parameter])
        piece = pieces[parameter]
        owned[parameter] = Owned(piece, nn.Parameter(_without_memory(parameter)), sizes[parameter], owner)
    return owned


def _without_memory(parameter: Tensor) -> Tensor:
    """A tensor of its shape, type and device, in which every place is the same number."""
    return torch.zeros((), dtype=parameter.dtype, device=parameter.device).expand(parameter.shape)


def _twice(sizes: Iterable[int]) -> list[int]:
    """The size of each piece, and behind it that of its gradient."""
    twice: list[int] = []
    for size in sizes:
        twice += [size, size]
    return twice


def _of(parameters: Sequence[Owned], owner: int) -> list[Owned]:
    return [each for each in parameters if each.owner == owner]


def _with_gradients(parameters: Sequence[Owned]) -> list[Tensor]:
    """Each piece, and behind it its gradient."""
    tensors: list[Tensor] = []
    for each in parameters:
        tensors += [each.piece, each.piece.grad]  # type: ignore[list-item]  # those that learn have one
    return tensors


def _exchanged(
    sent: Sequence[Sequence[Tensor]], sizes: Sequence[Sequence[int]], like: Tensor, processes: ProcessGroup
) -> list[tuple[Tensor, ...]]:
    """Send tensors to each process, and get some from each.

    Args:
        sent: by the process that they are for.
        sizes: by the process that they are from, how many numbers each of them has.
        like: of the type and on the device of all of them.
        processes: all of them.
    """
    own = [like.flatten()[:0]]  # a process that sends nothing still says of which type
    for tensors in sent:
        own += [tensor.flatten() for tensor in tensors]
    given = [sum(tensor.numel() for tensor in tensors) for tensors in sent]
    taken = [sum(each) for each in sizes]
    came = exchange_rows(torch.cat(own), given, taken, processes.gradients)
    return [part.split(list(each)) for part, each in zip(came.split(taken), sizes, strict=True)]


def _on_host(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The state of a parameter, if it has one."""
    if values is None:
        return None
    return {name: value.cpu() if isinstance(value, Tensor) else value for name, value in values.items()}
