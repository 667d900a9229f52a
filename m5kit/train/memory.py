"""Predicts the memory that training takes on each process, from a forward pass of some of its items."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.api import Transform
from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model, build_pipelines
from m5kit.config import RunConfig
from m5kit.errors import ConfigError
from m5kit.models.base import Model
from m5kit.models.parts import named_parts
from m5kit.nn.saved_bytes import saved_bytes
from m5kit.parallel.shares import shares
from m5kit.plugins import in_use
from m5kit.registry import OPTIMIZERS
from m5kit.structures import Batch, Inputs
from m5kit.train.optim import parameter_groups

READ = 32
"""Items that are read of a dataset: enough for a mean of what they lack and how long they are."""
MADE = 4
"""Items that are made up where there is no data; they are all alike, so a few of them tell what many take."""

LENGTHS = ("max_tokens", "steps")
"""What transforms call the length of their longest item, where they provide it."""


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
class Prediction:
    """The memory of each of several processes.

    Attributes:
        ranks: how many there are.
        items: of a micro-batch that the largest share has.
        measured: how many of them a forward pass was run on; the rest follows from it.
        read: whether these were items of the dataset; otherwise they have everything in full length.
        replicas: where every process holds the whole model.
        shards: where each holds an equal part of parameters, gradients and optimizer state.
    """

    ranks: int
    items: int
    measured: int
    read: bool
    replicas: RankMemory
    shards: RankMemory


def predict_memory(config: RunConfig, ranks: int, read: bool) -> Prediction:
    """Predict what training takes on each of ``ranks`` processes.

    The model is built on the CPU and reads some items; its activations are counted and not kept.

    Args:
        config: checked.
        ranks: how many processes share a step.
        read: take items of the dataset; otherwise they are made up, and have every modality in full length.

    Raises:
        ConfigError: there are more processes than items in a step, or fine-tuning has no data.
    """
    share = shares(config.schedule.batch_size, ranks)
    if min(share) == 0:
        raise ConfigError([f"schedule.batch_size: {sum(share)} items cannot be shared out among {ranks} processes"])
    torch.manual_seed(config.seed)
    model, batch = _read(config) if read else _made(config)
    activations = _activations(model, batch, share[0], ranks, config)
    trained = _bytes(parameter for parameter in model.parameters() if parameter.requires_grad)
    held = _bytes([*model.parameters(), *model.buffers()])
    state = _state_bytes(model, config)
    parts = [_bytes(part.parameters()) for part in named_parts(model).values()]
    several = ranks > 1
    return Prediction(
        ranks=ranks,
        items=share[0],
        measured=len(batch),
        read=read,
        replicas=RankMemory(held, 0, trained, trained if several else 0, state, activations),
        shards=RankMemory(
            _part(held, ranks), max(parts) if several else 0, _part(trained, ranks), 0, _part(state, ranks), activations
        ),
    )


def _read(config: RunConfig) -> tuple[Model, Batch]:
    """The model of a config, and some items of its dataset as training reads them."""
    data = RunData.fitted(config)
    model = build_model(config, data.transforms, data.classes, data.class_counts)
    schedule = config.schedule.model_copy(update={"batch_size": min(READ, len(data.training_items))})
    return model, next(iter(replace(data, config=replace(config, schedule=schedule)).train_loader()))


def _made(config: RunConfig) -> tuple[Model, Batch]:
    """The model of a config, and items that have every modality in full length."""
    if config.mode == "finetune":
        raise ConfigError(["--data: the head of fine-tuning has an output a class, and only the data tell the classes"])
    transforms = {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}
    return build_model(config, transforms, {}), _full_items(transforms, MADE)


def _full_items(transforms: Mapping[str, Transform], items: int) -> Batch:
    modalities = tuple(sorted(transforms))
    inputs = {}
    for m, transform in transforms.items():
        inputs[m] = Inputs.stack([_full_item(transform)] * items)
    names = tuple(map(str, range(items)))
    return Batch(names, modalities, torch.ones(items, len(modalities), dtype=torch.bool), inputs)


def _full_item(transform: Transform) -> Inputs:
    """The blank of a transform; where that is one step long, the step as often as the longest item has one."""
    blank, facts = transform.blank(), transform.provides()
    longest = max((facts[name] for name in LENGTHS if name in facts), default=1)
    if int(blank.lengths) > 1 or longest == 1:
        return blank
    steps = torch.zeros(longest, dtype=torch.int64)  # of the blank's only step
    return Inputs.single(blank.values[steps], {name: extra[steps] for name, extra in blank.extras.items()})


def _activations(model: Model, batch: Batch, items: int, ranks: int, config: RunConfig) -> int:
    """What a pass over ``items`` keeps: the mean of such passes over parts of the batch, or what follows from it."""
    if items > len(batch):
        return _extrapolated(model, batch, items / len(batch), ranks, config)
    parts = torch.arange(len(batch)).split(items)
    whole = [part for part in parts if len(part) == items]
    return sum(sum(_saved(model, batch.take(part), ranks, config)) for part in whole) // len(whole)


def _extrapolated(model: Model, batch: Batch, growth: float, ranks: int, config: RunConfig) -> int:
    """What a pass over ``growth`` times the items of a batch keeps.

    Each saved tensor is compared between a batch and the same batch twice: it stays as it is, doubles, or grows with
    the square where items are compared with each other. What grows otherwise is taken for the nearest of these.
    """
    once = torch.arange(len(batch))
    single = _saved(model, batch, ranks, config)
    double = _saved(model, batch.take(torch.cat([once, once])), ranks, config)
    total = 0.0
    # The same items take the same path through the model, so the tensors are saved in the same order.
    for small, large in zip(single, double, strict=True):
        power = round(math.log2(large / small)) if small and large else 1
        total += small * growth ** max(0, min(2, power))
    return int(total)


def _saved(model: Model, batch: Batch, ranks: int, config: RunConfig) -> list[int]:
    """The bytes of what a training pass over a batch saves, in order."""
    device = next(model.parameters()).device.type
    bf16 = config.schedule.precision == "bf16"
    model.train()
    with saved_bytes(model) as found, torch.autocast(device, torch.bfloat16, enabled=bf16):
        part = model.prepare(batch, config.seed)
        if ranks > 1:
            shared = {name: ranks * count for name, count in part.counts.items()}
            part = model.share(part, _Copies(ranks), shared)
        model.partial_loss(part, part.shared)
    return found


class _Copies:
    """Peers that hold the same items as this process, without any other process.

    Args:
        size: how many processes there seem to be.
    """

    first = 0
    anchors: tuple[Tensor, ...] = ()

    def __init__(self, size: int) -> None:
        self.size = size

    def present(self, own: Tensor) -> Tensor:
        return own.repeat(self.size, 1)

    def rows(self, values: Tensor) -> Tensor:
        return torch.cat([values] * self.size)

    def total(self, values: Tensor) -> Tensor:
        return values * self.size

    def host_total(self, values: Tensor) -> Tensor:
        return values * self.size


def _state_bytes(model: Model, config: RunConfig) -> int:
    """Bytes of the optimizer's state: of one parameter of each shape, times how many there are."""
    schedule, total = config.schedule, 0
    for group in parameter_groups(model, schedule.lr, schedule.weight_decay, config.rates):
        counts = Counter((parameter.shape, parameter.dtype) for parameter in group["params"])
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
