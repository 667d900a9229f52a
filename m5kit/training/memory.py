"""Predicts the memory that training takes on each process, from a forward pass of some of its items."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.config import RunConfig
from m5kit.models.base import Model
from m5kit.parallel.replica import copied_parameters
from m5kit.plugins import in_use
from m5kit.registry import OPTIMIZERS
from m5kit.training.activations import count_activations, make_items, read_items
from m5kit.training.optim import parameter_groups


@dataclass(frozen=True, slots=True)
class RankMemory:
    """Bytes of one process at the end of a forward pass, when most is held; the libraries' own are not counted.

    Attributes:
        parameters: with the buffers of modules.
        gathered: what a process that holds shards of the parameters gathers for the part that it computes.
        gradients: of one step.
        sums: buffers in which gradients are added up over the processes.
        optimizer: its state.
        activations: what the forward pass keeps for the backward pass, inputs included.
    """

    parameters: int
    gathered: int
    gradients: int
    sums: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        held = self.parameters + self.gathered + self.gradients + self.sums
        return held + self.optimizer + self.activations


@dataclass(frozen=True, slots=True)
class MemoryForecast:
    """The memory of each of several processes.

    Attributes:
        ranks: how many there are.
        items: of a micro-batch that the largest share has; where batches hold so many tokens, of the one that takes
            most.
        measured: how many of them a forward pass was run on; the rest follows from it.
        read: whether these were items of the dataset; otherwise they have everything in full length.
        replicas: where every process holds the whole model.
        shards: where each holds an equal part of the large parts, of their gradients and optimizer state.
    """

    ranks: int
    items: int
    measured: int
    read: bool
    replicas: RankMemory
    shards: RankMemory


def predict_memory(config: RunConfig, ranks: int, read: bool) -> MemoryForecast:
    """Predict what training takes on each of ``ranks`` processes.

    The model is built on the CPU and reads some items; its activations are counted and not kept.

    Args:
        config: checked.
        ranks: how many processes share a step.
        read: take items of the dataset; otherwise they are made up, and have every modality in full length.

    Raises:
        ConfigError: there are more processes than items in a step, or fine-tuning has no data.
        DataError: all items together do not fill a batch of so many tokens.
    """
    torch.manual_seed(config.seed)
    model, parts = read_items(config, ranks) if read else make_items(config, ranks)
    found = [count_activations(model, part, ranks, config) for part in parts]
    activations = max(found)
    part = parts[found.index(activations)]
    return MemoryForecast(
        ranks=ranks,
        items=part.items,
        measured=len(part.batch),
        read=read,
        replicas=_memory(model, config, ranks, set(), activations),
        shards=_memory(model, config, ranks, _sharded(model), activations),
    )


def _sharded(model: Model) -> set[nn.Parameter]:
    """The parameters of which a process holds pieces with ``parallel.shard``."""
    units = model.units()
    parameters: set[nn.Parameter] = set()
    for module, _ in units:
        parameters.update(module.parameters())
    return parameters - copied_parameters(units)


def _memory(
    model: Model, config: RunConfig, ranks: int, sharded: Collection[nn.Parameter], activations: int
) -> RankMemory:
    """Of a process that holds an equal part of the ``sharded`` parameters, and all others."""
    copies = [parameter for parameter in model.parameters() if parameter not in sharded]
    trained = _bytes(parameter for parameter in copies if parameter.requires_grad)
    pieces = _part(_bytes(sharded), ranks)
    gathered = []
    for module, _ in model.units():
        gathered.append(_bytes(parameter for parameter in module.parameters() if parameter in sharded))
    several = ranks > 1
    return RankMemory(
        parameters=_bytes([*copies, *model.buffers()]) + pieces,
        gathered=max(gathered) if several else 0,
        gradients=trained + pieces,
        sums=trained if several else 0,
        optimizer=_state_bytes(model, config, copies) + _part(_state_bytes(model, config, sharded), ranks),
        activations=activations,
    )


def _state_bytes(model: Model, config: RunConfig, chosen: Collection[nn.Parameter]) -> int:
    """Bytes of the optimizer's state for some parameters: for one of each shape, times how many there are."""
    schedule, total, wanted = config.schedule, 0, set(chosen)
    for group in parameter_groups(model, schedule.lr, schedule.weight_decay, config.rates):
        counts = Counter((parameter.shape, parameter.dtype) for parameter in group["params"] if parameter in wanted)
        if not counts:
            continue
        stand_ins = [nn.Parameter(torch.zeros(shape, dtype=kind)) for shape, kind in counts]
        for stand_in in stand_ins:
            stand_in.grad = torch.zeros_like(stand_in)
        with in_use(config.plugins):
            optimizer = OPTIMIZERS.build(config.optimizer).build([{**group, "params": stand_ins}])
        optimizer.step()
        for parameter, size in _states(optimizer):
            total += counts[parameter.shape, parameter.dtype] * size
    return total


def _states(optimizer: Optimizer) -> Iterator[tuple[Tensor, int]]:
    """Each parameter of an optimizer that has taken a step, and the bytes of its state."""
    # By the state dict, because optimizers that are made of several keep their state elsewhere.
    saved = optimizer.state_dict()
    for group, numbers in zip(optimizer.param_groups, saved["param_groups"], strict=True):
        for parameter, number in zip(group["params"], numbers["params"], strict=True):
            state = saved["state"].get(number, {})
            yield parameter, _bytes(value for value in state.values() if isinstance(value, Tensor))


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _part(whole: int, ranks: int) -> int:
    return math.ceil(whole / ranks)
