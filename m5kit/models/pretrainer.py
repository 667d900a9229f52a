"""Self-supervised pretraining: pretext tasks hide tokens of a backbone's input and score what it makes of the rest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn

from m5kit.api import Balancer, Draws, Facts, Hidden, Mean, Observation, Task, TaskOutput, View
from m5kit.models.backbone import Backbone
from m5kit.models.base import Counts, MicroBatch, Model, PartialLoss, modality_logs
from m5kit.models.passes import cuts, pass_by_task, swaps
from m5kit.nn.gradients import squared_norms
from m5kit.nn.masking import only_rows
from m5kit.structures import ALONE, Batch, Peers

Observations = dict[str, Observation]


class Pretrainer(Model):
    """Sums the weighted losses of pretext tasks over at most two passes of a batch (SCALE, Eq. 3).

    All tasks that hide something hide it in one pass, each in its own modality; a task that asks for the clean view
    costs a second pass, however many of them there are. A task that wants to see items that do not belong together
    costs one more pass of the fusion alone. A task with nothing to learn in a micro-batch is not run there.

    Args:
        backbone: encoders, harmonizer and fusion.
        tasks: by name.
        weights: factor of each task's balanced loss, by name.
        balancer: weighs the losses against each other; built for the same tasks in the same order.
    """

    weights: Tensor

    def __init__(
        self, *, backbone: Backbone, tasks: Mapping[str, Task], weights: Mapping[str, float], balancer: Balancer
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.tasks = cast(Mapping[str, Task], nn.ModuleDict(tasks))
        self.balancer = balancer
        self.objectives = tuple(tasks)
        self.register_buffer("weights", torch.tensor([float(weights[name]) for name in tasks]), persistent=False)

    def units(self) -> list[tuple[nn.Module, str]]:
        """Those of the backbone and of the tasks."""
        units = super().units()
        for task in self.tasks.values():
            units += [(unit, "forward") for unit in task.units()]
        return units

    @property
    def measures_gradients(self) -> bool:
        """Whether the balancer asks for the norms of the losses' gradients."""
        return self.balancer.needs_norms

    def prepare(self, batch: Batch, seed: int) -> MicroBatch:
        """Observe the items, hide what the tasks hide, and let each task count."""
        batch = batch.to(self.backbone.device)
        clean = self.backbone.observe(batch)
        facts = self.backbone.facts(batch, clean)
        masked, hidden = self._corrupt(facts, batch.positions, seed)
        counts = {}
        for name, task in self.tasks.items():
            counts[name] = float(task.count(facts, hidden.get(name)))
        return MicroBatch(batch, counts, seed, {"masked": masked, "clean": clean}, hidden)

    def share(self, part: MicroBatch, peers: Peers, shared: Counts) -> MicroBatch:
        """Count again for the tasks that gather: what they compare are the items of all processes."""
        facts = Facts(self.modalities, peers.present(self.backbone.present(part.batch)), {}, {})
        everywhere = {}
        for name, task in self.tasks.items():
            if task.gathers:
                everywhere[name] = float(task.count(facts, None))
        return replace(part, peers=peers, counts={**part.counts, **everywhere}, shared={**shared, **everywhere})

    def partial_loss(self, part: MicroBatch, totals: Counts) -> PartialLoss:
        """Every task's sum over its count in the whole step, times its factor and weight."""
        views = self._views(part)
        outputs = self.run(self.tasks, part, views, self.again(part))
        losses = [self.share_of_step(name, outputs, totals) for name in self.tasks]
        stacked = torch.stack(losses)
        loss = (self.factors(totals) * stacked).sum() if outputs else stacked.sum()
        squares = self.squares(losses, list(views.values()), part.peers)
        return PartialLoss(loss, stacked.detach(), squares, self.logs(outputs, part, views))

    def run(
        self, names: Iterable[str], part: MicroBatch, views: Mapping[str, View], again: Tensor | None
    ) -> dict[str, TaskOutput]:
        """The sums of the losses of some tasks, of those that have something to learn in a micro-batch.

        Args:
            names: of the tasks.
            part: as :meth:`prepare` gave it.
            views: by name, those that these tasks read.
            again: features of the second augmentation, as :meth:`again` gives them.
        """
        outputs = {}
        for name in names:
            task = self.tasks[name]
            if part.counts[name] > 0:
                view = self.with_parts(name, self._with_mismatches(name, views[task.view], part), part)
                if task.augments_twice:
                    view = replace(view, again=again)
                outputs[name] = task.loss(view, part.hidden.get(name))
            elif part.shared[name] > 0:
                pass_by_task(task, self.backbone.fusion, part.peers)
        return outputs

    def factors(self, totals: Counts) -> Tensor:
        """What each task's loss is multiplied by in the objective, ``t``: its weight and the balancer's factor."""
        return self.weights * self.balancer.factors(self._present(totals))

    def penalty(self, totals: Counts) -> Tensor:
        """What harmonizer and balancer ask for, once a step."""
        balance = (self.weights * self.balancer.penalty(self._present(totals))).sum()
        return balance + self.backbone.harmonizer.penalty()

    def observe(self, parts: Sequence[PartialLoss], totals: Counts, finite: Tensor) -> Mapping[str, Tensor]:
        """Log the factors that the step had (``balance/<task>``), then let the balancer learn; note what was taught."""
        present = self._present(totals)
        # Copied before the balancer learns: it may write its next factors into the same memory.
        factors = self.balancer.factors(present).detach().clone()
        if self.training:
            losses = torch.stack([part.losses for part in parts]).sum(0).float()
            squares = [part.squares for part in parts if part.squares is not None]
            norms = torch.stack(squares).sum(0).sqrt().nan_to_num() if squares else None
            # On the device a step cannot be skipped without waiting for it, so a bad one counts as one without tasks.
            self.balancer.observe(losses.nan_to_num(), norms, present & finite)
            if any(task.compares_items and totals[name] > 0 for name, task in self.tasks.items()):
                self.backbone.taught.logical_or_(finite)
        if not self.balancer.logs_factors:
            return {}
        return dict(zip((f"balance/{name}" for name in self.tasks), factors, strict=True))

    def _corrupt(self, facts: Facts, positions: Tensor, seed: int) -> tuple[Observations, dict[str, Hidden]]:
        """What the tasks make of the observations, each of its own modality, and what they hid."""
        masked, hidden = dict(facts.observations), {}
        turns = self._turns(facts, Draws(seed, "turns", positions))
        for name, task in self.tasks.items():
            if task.modality is None or task.modality not in masked:
                continue
            # Each task sees the untouched observation, so that its hiding does not depend on the tasks before it.
            seen, rows = facts.observations[task.modality], facts.rows[task.modality]
            shown, found = task.corrupt(seen, Draws(seed, name, positions[rows]))
            if name in turns:
                shown, found = _only_turns(seen, shown, found, turns[name][rows])
            masked[task.modality], hidden[name] = shown, found
        return masked, hidden

    def _turns(self, facts: Facts, draws: Draws) -> dict[str, Tensor]:
        """By task that takes turns, the items ``b`` in which it is its turn.

        The turn is drawn for each item, among the tasks whose modality the item has: drawn for a batch it would depend
        on how a step is cut into batches.
        """
        names = [name for name, task in self.tasks.items() if task.turns and task.modality in facts.modalities]
        if not names:
            return {}
        columns = [facts.modalities.index(str(self.tasks[name].modality)) for name in names]
        # Draws lie from 0 to 1: -1 never wins against a modality that the item has.
        chances = draws.uniform(len(names)).masked_fill(~facts.present[:, columns], -1.0)
        return {name: chances.argmax(1) == number for number, name in enumerate(names)}

    def _views(self, part: MicroBatch) -> dict[str, View]:
        """The passes that the tasks with something to learn ask for, the masked one first."""
        # Asked of all processes together: a view may gather, and then all of them must be there.
        wanted = {task.view for name, task in self.tasks.items() if part.shared[name] > 0}
        views = {}
        # The order decides which random numbers a pass draws in dropout, so it must not be that of a set.
        for name in sorted(wanted, reverse=True):
            views[name] = self.backbone.view(part.batch, part.observations[name], part.peers)
        return views

    def again(self, part: MicroBatch) -> Tensor | None:
        """Features of the second augmentation, if a task with something to learn reads them."""
        # Where others may have something, one who has nothing takes part with zeros.
        there = part.peers.size > 1 or any(inputs.again is not None for inputs in part.batch.inputs.values())
        for name, task in self.tasks.items():
            if there and task.augments_twice and part.counts[name] > 0:
                return self.backbone.features_again(part.batch, part.peers)
        return None

    def _with_mismatches(self, name: str, view: View, part: MicroBatch) -> View:
        task = self.tasks[name]
        swap = task.swap(view, Draws(part.seed, name, part.batch.positions))
        # A task that knows nothing of other processes has donors of this one.
        among = view if task.gathers else replace(view, peers=ALONE)
        if swap is None or (among.peers.size == 1 and len(swap.items) == 0):
            if swaps(task):
                part.peers.pass_by(self.backbone.fusion)
            return view
        return replace(view, mismatched=self.backbone.fuse_swapped(among, swap))

    def with_parts(self, name: str, view: View, part: MicroBatch) -> View:
        """A view with the cut items that a task asks for, if it asks for any."""
        task = self.tasks[name]
        kept = task.shown(view, Draws(part.seed, f"{name}/shown", part.batch.positions))
        if kept is not None:
            return replace(view, partial=self.backbone.fuse_part(view, kept))
        if cuts(task):
            part.peers.pass_by(self.backbone.fusion)
        return view

    def _present(self, totals: Counts) -> Tensor:
        """``t`` on the device, which tasks the step can teach."""
        # Copied to the device, never read back from it: whether a step teaches a task is known on the host.
        there = torch.tensor([totals[name] > 0 for name in self.tasks])
        return there.to(self.weights.device, non_blocking=True)

    def share_of_step(self, name: str, outputs: Mapping[str, TaskOutput], totals: Counts) -> Tensor:
        """What this micro-batch adds to a task's mean loss; 0 where the task was not run."""
        if name not in outputs:
            return self.weights.new_zeros(())
        # Over the count of the whole step: micro-batches then add up to the loss of one large batch.
        return outputs[name].loss / totals[name]

    def squares(self, losses: Sequence[Tensor], views: Sequence[View], peers: Peers) -> Tensor | None:
        """Squared norms ``t`` of the losses' gradients on encoded tokens; None if the balancer does not ask."""
        if not (self.balancer.needs_norms and self.training and torch.is_grad_enabled() and views):
            return None
        # Measured at the encoded tokens, not at the parameters: one short backward pass a loss instead of a whole one.
        encoded: list[Tensor] = []
        for view in views:
            encoded.extend(tokens.values for tokens in view.encoded.values())
        return squared_norms(losses, [*encoded, *peers.anchors])

    def logs(self, outputs: Mapping[str, TaskOutput], part: MicroBatch, views: Mapping[str, View]) -> dict[str, Mean]:
        """Losses and what the tasks log, as means over what they count, and the shares of modalities."""
        logs: dict[str, Mean] = {}
        counts = part.counts
        for name, output in outputs.items():
            count = counts[name]
            # One that gathers gives a part of the loss: the mean of parts over processes is the loss over their number.
            parts = part.peers.size if self.tasks[name].gathers else 1
            logs[f"loss/{name}"] = Mean(output.loss.detach() * parts / count, count)
            for key, value in output.logs.items():
                logs[f"{name}/{key}"] = value if isinstance(value, Mean) else Mean(value, count)
        for view in list(views.values())[:1]:  # shares are those of the first pass; a second one has the same items
            logs |= modality_logs(view)
        return logs


def _only_turns(seen: Observation, shown: Observation, hidden: Hidden, rows: Tensor) -> tuple[Observation, Hidden]:
    """What a task hid in the items ``p`` whose turn it has."""
    values, remain = only_rows(seen.values, shown.values, hidden.positions, rows)
    targets = hidden.targets[remain.to(hidden.targets.device, non_blocking=True)]
    return replace(shown, values=values), Hidden(hidden.positions[remain], targets)
