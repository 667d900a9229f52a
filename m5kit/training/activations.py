"""Counts what a training pass keeps for its backward pass, for any number of items and processes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor, nn

from m5kit.api import Transform
from m5kit.assembly.data import RunData
from m5kit.assembly.item_sizes import item_sizes
from m5kit.assembly.loader import train_sampler
from m5kit.assembly.model import build_model, build_pipelines
from m5kit.config import RunConfig
from m5kit.errors import ConfigError
from m5kit.models.base import Model
from m5kit.nn.saved_bytes import saved_bytes
from m5kit.parallel.shares import shares
from m5kit.structures import Batch, Inputs

READ = 32
"""Items that are read of a dataset: enough for a mean of what they lack and how long they are."""
MADE = 4
"""Items that are made up where there is no data; they are all alike, so a few of them tell what many take."""

DRAWN = 200
"""Batches of so many tokens from which the smallest and the largest by items are taken."""

LENGTHS = ("max_tokens", "steps")
"""What transforms call the length of their longest item, where they provide it."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one process has of a batch.

    Attributes:
        batch: some of the items, or all of them.
        items: how many it has.
    """

    batch: Batch
    items: int


def read_items(config: RunConfig, ranks: int) -> tuple[Model, list[Portion]]:
    """The model of a config, and the first process's parts of batches as training reads them.

    Where batches hold so many tokens these are one of few large items, a usual one, and one of many small items: which
    of them takes most depends on the model.

    Raises:
        ConfigError: a batch cannot be shared out among so many processes.
    """
    data = RunData.fitted(config)
    model = build_model(config, data.transforms, data.classes, data.class_counts)
    if config.schedule.tokens is None:
        schedule = config.schedule.model_copy(update={"batch_size": min(READ, len(data.training_items))})
        batch = next(iter(replace(data, config=replace(config, schedule=schedule)).train_loader()))
        return model, [Portion(batch, _share(config, ranks))]
    sampler = train_sampler(config, data.training_items, sizes=item_sizes(data, model), world_size=ranks)
    batches = sorted(islice(sampler, DRAWN), key=len)
    chosen = (batches[0], batches[len(batches) // 2], batches[-1])
    # the first ones stand for all: the items of a batch come in a shuffled order
    return model, [Portion(data.train_batch(draws[:READ]), len(draws)) for draws in chosen]


def make_items(config: RunConfig, ranks: int) -> tuple[Model, list[Portion]]:
    """The model of a config, and a process's part of a batch of items that have every modality in full length."""
    if config.mode == "finetune":
        raise ConfigError(["--data: the head of fine-tuning has an output a class, and only the data tell the classes"])
    transforms = {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}
    model, batch = build_model(config, transforms, {}), _full_items(transforms, MADE)
    return model, [Portion(batch, _share(config, ranks, model, batch))]


def _share(config: RunConfig, ranks: int, model: Model | None = None, batch: Batch | None = None) -> int:
    """The most items that a process has of a batch; where these hold so many tokens, of items like those given."""
    items = config.schedule.batch_size
    if config.schedule.tokens is not None and model is not None and batch is not None:
        return shares(_items_that_fit(config.schedule.tokens, ranks, model, batch), ranks)[0]
    if items < ranks:
        raise ConfigError([f"schedule.batch_size: {items} items cannot be shared out among {ranks} processes"])
    return shares(items, ranks)[0]


def _items_that_fit(tokens: int, ranks: int, model: Model, batch: Batch) -> int:
    """How many items like those given are in a batch of so many tokens; each process needs one."""
    observed = model.backbone.observe(batch).values()
    an_item = sum(int(values.lengths.sum()) for values in observed) // len(batch) + len(observed)
    if tokens < an_item * ranks:
        raise ConfigError(
            [
                f"schedule.tokens: a batch has {tokens} tokens, an item that has everything in full length {an_item}; "
                f"set it to {an_item * ranks} or more, or give --data: items of yours may have fewer"
            ]
        )
    return tokens // an_item


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


def count_activations(model: Model, part: Portion, ranks: int, config: RunConfig) -> int:
    """What a pass over a process's part of a batch keeps: a mean of such passes, or what follows from smaller ones."""
    batch, items = part.batch, part.items
    if items > len(batch):
        return _extrapolated(model, batch, items / len(batch), ranks, config)
    whole = [rows for rows in torch.arange(len(batch)).split(items) if len(rows) == items]
    return sum(sum(_saved(model, batch.take(rows), ranks, config)) for rows in whole) // len(whole)


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

    def positions(self, own: Tensor) -> Tensor:
        return own.repeat(self.size)

    def rows(self, values: Tensor) -> Tensor:
        return torch.cat([values] * self.size)

    def total(self, values: Tensor) -> Tensor:
        return values * self.size

    def host_rows(self, values: Tensor) -> Tensor:
        return torch.cat([values] * self.size)

    def take(self, values: Tensor, wanted: Tensor) -> Tensor:
        own = wanted[: len(values)]
        return values.index_select(0, own[own >= 0] % len(values))

    def pass_by(self, module: nn.Module) -> None:
        pass
