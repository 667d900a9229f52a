"""Self-supervised pretraining: pretext tasks hide tokens of a backbone's input and score what it makes of the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from m5kit.api import Balanced, Balancer, Hidden, Observation, Task, TaskOutput, View
from m5kit.models.backbone import Backbone
from m5kit.structures import Batch


class Pretrainer(nn.Module):
    """Sums the weighted losses of pretext tasks over at most two passes of a batch (SCALE, Eq. 3).

    All tasks that hide something hide it in one pass, each in its own modality; a task that asks for the clean view
    costs a second pass, however many of them there are. A task that wants to see items that do not belong together
    costs one more pass of the fusion alone.

    Args:
        backbone: encoders, harmonizer and fusion.
        tasks: by name.
        weights: factor of what the balancer makes of each task's loss, by name.
        balancer: weighs the losses against each other; built for the same tasks in the same order.
    """

    factors: Tensor

    def __init__(
        self, *, backbone: Backbone, tasks: Mapping[str, Task], weights: Mapping[str, float], balancer: Balancer
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.tasks = cast(Mapping[str, Task], nn.ModuleDict(tasks))
        self.balancer = balancer
        self.register_buffer("factors", torch.tensor([float(weights[name]) for name in tasks]), persistent=False)

    def loss(self, batch: Batch, generator: torch.Generator) -> TaskOutput:
        """The total loss of a batch on the model's device.

        Args:
            batch: any items, whatever they lack.
            generator: on the host; decides what is hidden.
        """
        clean = self.backbone.observe(batch)
        masked, hidden = self._corrupt(clean, generator)
        observations = {"masked": masked, "clean": clean}
        views = {name: self.backbone.view(batch, observations[name]) for name in self._views()}
        seen = {name: self._with_mismatches(task, views[task.view], generator) for name, task in self.tasks.items()}
        outputs = {name: task.loss(seen[name], hidden.get(name)) for name, task in self.tasks.items()}
        balanced = self._balance([output.loss for output in outputs.values()], list(views.values()))
        total = (self.factors * balanced.terms).sum() + self.backbone.harmonizer.penalty()
        logs = _logs(outputs) | self._balance_logs(balanced) | modality_logs(next(iter(views.values())))
        return TaskOutput(total, logs)

    def forward(self, batch: Batch, generator: torch.Generator) -> TaskOutput:
        """Same as :meth:`loss`."""
        return self.loss(batch, generator)

    def _corrupt(
        self, clean: Mapping[str, Observation], generator: torch.Generator
    ) -> tuple[dict[str, Observation], dict[str, Hidden]]:
        masked, hidden = dict(clean), {}
        waiting = self._waiting(clean, generator)
        for name, task in self.tasks.items():
            if task.modality is not None and task.modality in clean and name not in waiting:
                masked[task.modality], hidden[name] = task.corrupt(clean[task.modality], generator)
        return masked, hidden

    def _waiting(self, clean: Mapping[str, Observation], generator: torch.Generator) -> set[str]:
        """The tasks that take turns, but for the one whose turn it is."""
        turns = [name for name, task in self.tasks.items() if task.turns and task.modality in clean]
        if turns:
            del turns[int(torch.randint(len(turns), (), generator=generator))]
        return set(turns)

    def _with_mismatches(self, task: Task, view: View, generator: torch.Generator) -> View:
        swap = task.swap(view, generator)
        if swap is None or len(swap.items) == 0:
            return view
        return replace(view, mismatched=self.backbone.fuse_swapped(view, swap))

    def _balance(self, losses: Sequence[Tensor], views: Sequence[View]) -> Balanced:
        """By the contract of tasks, a loss of exactly 0 says that a task had nothing to learn from."""
        present = torch.stack([loss.detach() for loss in losses]) != 0
        balanced: Balanced = self.balancer(losses, present, [t.values for v in views for t in v.encoded.values()])
        return balanced

    def _balance_logs(self, balanced: Balanced) -> dict[str, Tensor]:
        """The factor that each loss has from the balancer: ``balance/<task>``."""
        if balanced.weights is None:
            return {}
        return dict(zip((f"balance/{name}" for name in self.tasks), balanced.weights, strict=True))

    def _views(self) -> list[str]:
        return sorted({task.view for task in self.tasks.values()}, reverse=True)


def modality_logs(view: View) -> dict[str, Tensor]:
    """Mean share of each modality in the embedding, over the items that have it: ``weight/<modality>``."""
    shares = view.harmony.modalities.detach().sum(0)
    counts = view.present.sum(0).tolist()
    return {f"weight/{m}": shares[i] / counts[i] for i, m in enumerate(view.modalities) if counts[i]}


def _logs(outputs: Mapping[str, TaskOutput]) -> dict[str, Tensor]:
    losses = {f"loss/{name}": output.loss.detach() for name, output in outputs.items()}
    details = {f"{name}/{key}": value for name, output in outputs.items() for key, value in output.logs.items()}
    return losses | details
