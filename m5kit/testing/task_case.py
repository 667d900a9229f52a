"""A pretext task to check: built, with a view to read and something hidden."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from m5kit.api import ConfigError, Draws, Hidden, Observation, Partial, Task, TaskOutput
from m5kit.testing.building import build
from m5kit.testing.modules import Outputs
from m5kit.testing.report import Skip
from m5kit.testing.views import (
    DIM,
    FEATURES,
    MODALITIES,
    OBSERVED,
    PRESENT,
    STEPS,
    VOCABULARY,
    Made,
    random_fused,
    random_view,
)

OF_IDS = {"vocabulary": VOCABULARY, "observed": None, "predicted": None}
OF_FEATURES = {"vocabulary": None, "observed": OBSERVED, "predicted": OBSERVED}
TRIES = 8
"""Seeds to try: a task that hides a small share of few tokens may hide none with some of them."""


@dataclass(frozen=True)
class TaskCase:
    """A task, and a view with every subset of the modalities."""

    part: type[Task]
    make: Callable[[], Task]
    module: Task
    ids: bool
    made: Made

    @classmethod
    def of(cls, part: type[Task]) -> "TaskCase":
        """Build the task for ids or, if it refuses them, for features."""
        known: dict[str, Any] = {"dim": DIM, "features": FEATURES, "modalities": MODALITIES, "modality": MODALITIES[0]}
        ids = True
        make: Callable[[], Task] = partial(build, part, **known, **OF_IDS)
        try:
            make()
        except ConfigError:  # a task for features refuses a vocabulary
            ids, make = False, partial(build, part, **known, **OF_FEATURES)
        module = make()
        return cls(part, make, module, ids, with_asked(module, random_view(PRESENT)))

    def run(self, module: nn.Module) -> Outputs:
        """The loss."""
        return {"loss": self.loss(module).loss}

    def loss(self, module: nn.Module) -> TaskOutput:
        """The task's output with something hidden, if it hides."""
        output: TaskOutput = module(self.made.view, self.hidden())
        return output

    def fresh(self) -> Task:
        """Another instance."""
        return self.make()

    def observation(self) -> Observation:
        """An observation of the items that have the modality, as its encoder could give it."""
        present = PRESENT[:, MODALITIES.index(self.modality)]
        lengths = self.made.view.encoded[self.modality].lengths[present] - 1
        generator = torch.Generator().manual_seed(7)
        size = (len(lengths), STEPS)
        groups = (torch.arange(STEPS) // 2).expand(size).contiguous()
        roles = (torch.arange(STEPS) % 2 + 1).expand(size).contiguous()
        if self.ids:
            ids = torch.randint(3, VOCABULARY, size, generator=generator)
            return Observation(ids, lengths, groups, roles, VOCABULARY, 2)
        return Observation(torch.randn(*size, OBSERVED, generator=generator), lengths, groups, roles)

    def hidden(self) -> Hidden | None:
        """Something the task hid; None for a task that hides nothing."""
        if self.module.modality is None:
            return None
        found = []
        for seed in range(TRIES):
            observation = self.observation()  # a new one each time: the task may not have left it alone
            found.append(self.module.corrupt(observation, draws(seed, len(observation.values)))[1])
        return max(found, key=lambda hidden: len(hidden.positions))

    @property
    def modality(self) -> str:
        """The modality whose tokens it hides.

        Raises:
            Skip: it hides nothing.
        """
        if self.module.modality is None:
            raise Skip("the task hides nothing")
        return self.module.modality


def with_asked(task: Task, made: Made) -> Made:
    """The view with what a fusion might have made of the made-up and the cut items that the task asks for."""
    swap = task.swap(made.view, draws(0, len(made.view.present)))
    if swap is not None:
        fused = random_fused(made.view.present[swap.items])
        leaves = made.leaves | {"mismatched pooled": fused.pooled, "mismatched embedding": fused.embedding}
        made = Made(replace(made.view, mismatched=fused), leaves)
    shown = task.shown(made.view, draws(0, len(made.view.present)))
    if shown is not None:
        items = torch.nn.functional.normalize(torch.randn(len(shown), FEATURES), dim=1).requires_grad_()
        made = Made(replace(made.view, partial=Partial(shown, items)), made.leaves | {"partial items": items})
    return made


def draws(seed: int, items: int) -> Draws:
    """Random numbers of some items with a seed."""
    return Draws(seed, "kit", torch.arange(items))
