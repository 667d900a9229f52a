"""Gradients of a step in chunks, those of the whole batch, in the memory of one chunk (gradient caching).

A loss that compares items needs all of them at once, but not their graphs. So every chunk is encoded twice. The first
time no graph is built, and what the comparing tasks read is kept. Their losses on what was kept give gradients of it.
The second time each chunk has its graph, and goes back from these gradients together with the losses of the tasks that
do not compare.

Source: Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup (2021), arXiv 2101.06983.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from m5kit.api import Facts, Harmonizer, TaskOutput, View
from m5kit.errors import ConfigError
from m5kit.models.base import Counts, MicroBatch, PartialLoss
from m5kit.models.comparison import Autocast, Comparison
from m5kit.models.kept_view import KeptPart, KeptView, Named, join, tensors_of
from m5kit.models.pretrainer import Pretrainer
from m5kit.models.seen import Seen
from m5kit.models.whole_step import joined_facts, without_inputs, without_values
from m5kit.nn.buffers import copy_buffers, with_buffers
from m5kit.nn.replay import Replay
from m5kit.structures import ALONE, Batch


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What remains of a chunk after its first pass.

    Attributes:
        facts: presence and lengths.
        counts: by task.
        seen: by view, behind the encoders.
        again: features of the second augmentation.
    """

    facts: Facts
    counts: Counts
    seen: dict[str, Seen]
    again: Tensor | None


class CachedGradients:
    """The backward pass of one step whose items come in chunks.

    Args:
        model: in training mode.
        chunks: of the step, on the host, in the order of its items.
        seed: of the run.
        autocast: the precision of forward passes.
        share: tells the step, as one micro-batch without inputs, what other processes have of it.
    """

    def __init__(
        self,
        model: Pretrainer,
        chunks: Sequence[Batch],
        seed: int,
        autocast: Autocast,
        share: Callable[[MicroBatch], MicroBatch] = lambda whole: whole,
    ) -> None:
        self.model, self.chunks, self.seed, self.autocast = model, chunks, seed, autocast
        self.backbone, self.tasks, self.share = model.backbone, model.tasks, share
        self.replay = Replay(model.backbone.device)
        self.comparing = {name: task for name, task in model.tasks.items() if task.compares_items}
        self.alone = [name for name in model.tasks if name not in self.comparing]
        self.learns = type(self.backbone.harmonizer).observe is not Harmonizer.observe
        self.everything = _reads_everything(model)
        self.buffers: dict[str, Named] = {}
        self.kept: dict[str, KeptView] = {}

    def __call__(self) -> tuple[list[PartialLoss], Counts]:
        """Add up the gradients of the step.

        Returns:
            What its parts add to the objective, which have gone back already, and its counts.
        """
        looks = [self._first_look(index) for index in range(len(self.chunks))]
        whole = self._whole(looks)
        totals = whole.shared
        for name in self._views(name for name, count in totals.items() if count > 0):
            self._keep(name, looks, whole)
        # What is needed of them was kept; their memory is free for the passes with a graph.
        looks.clear()
        parts, place = [self._compare(whole)], 0
        for index, chunk in enumerate(self.chunks):
            parts.append(self._second_look(index, place, totals))
            place += len(chunk)
        return parts, totals

    @torch.no_grad()
    def _first_look(self, index: int) -> FirstLook:
        """Encode a chunk without a graph, as far as something of it must be known before the losses."""
        with self.autocast():
            part = self.model.prepare(self.chunks[index], self.seed)
            facts = self.backbone.facts(part.batch, part.observations["clean"])
            # A harmonizer with statistics wants to see every view, whoever reads it.
            readers = self.tasks if self.learns else self.comparing
            seen = {}
            for name in self._views(readers):
                whole = self._encode(index, name, part)
                seen[name] = whole if self.everything else replace(whole, encoded={}, vectors={})
            return FirstLook(without_values(facts), part.counts, seen, self._again(index, part))

    def _whole(self, looks: Sequence[FirstLook]) -> MicroBatch:
        """The step as one micro-batch without inputs: counts are sums, or those of all items that are compared."""
        facts = joined_facts([look.facts for look in looks])
        counts = {}
        for name, task in self.tasks.items():
            if task.compares_items:
                counts[name] = float(task.count(facts, None))
            else:
                counts[name] = sum(look.counts[name] for look in looks)
        return self.share(MicroBatch(without_inputs(self.chunks), counts, self.seed))

    def _keep(self, name: str, looks: Sequence[FirstLook], whole: MicroBatch) -> None:
        """Show the harmonizer a view of all items, and keep what the comparing tasks read of it."""
        seen = [look.seen.pop(name) for look in looks if name in look.seen]
        if self.learns:
            features, present = torch.cat([each.features for each in seen]), torch.cat([each.present for each in seen])
            self.backbone.take_statistics(features, present, whole.peers)
            self.buffers[name] = copy_buffers(self.backbone.harmonizer)
        if any(task.view == name and whole.shared[key] > 0 for key, task in self.comparing.items()):
            parts = []
            for index, each in enumerate(seen):
                again = looks[index].again
                if again is None and whole.peers.size > 1:
                    again = torch.zeros_like(each.features)  # others may have one, and all must gather it
                parts.append(self._part(index, name, each, again))
            self.kept[name] = KeptView(self.backbone.modalities, join(parts), self.everything, whole.peers)

    @torch.no_grad()
    def _part(self, index: int, name: str, seen: Seen, again: Tensor | None) -> KeptPart:
        tensors = {"features": seen.features}
        if self.everything:
            with self.autocast(), self.replay(index, name, "fused"):
                tensors = tensors_of(self.backbone.fuse(seen), everything=True)
        if again is not None:
            tensors["again"] = again
        lengths = {m: tokens.lengths for m, tokens in seen.encoded.items()}
        return KeptPart(tensors, seen.present, lengths, seen.targets)

    def _compare(self, whole: MicroBatch) -> PartialLoss:
        """Go back through the losses of the comparing tasks to what was kept."""
        size = max(len(chunk) for chunk in self.chunks)
        comparison = Comparison(self.model, whole, size, self.replay, self.autocast, self.buffers)
        loss = self.model.weights.new_zeros(())
        outputs: dict[str, TaskOutput] = {}
        for name, task in self.comparing.items():
            if whole.counts[name] > 0:
                outputs[name], share = comparison.go_back(name, self.kept[task.view])
                loss = loss + share
        losses = [self.model.share_of_step(name, outputs, whole.shared).detach() for name in self.tasks]
        return PartialLoss(loss, torch.stack(losses), None, self.model.logs(outputs, whole, {}))

    def _second_look(self, index: int, place: int, totals: Counts) -> PartialLoss:
        """Encode a chunk again, and go back through it.

        Args:
            index: of the chunk.
            place: of its first item in the step.
            totals: counts of the step.
        """
        with self.autocast():
            part = self.model.prepare(self.chunks[index], self.seed)
            learning = [name for name in self.alone if part.counts[name] > 0]
            again = self._again(index, part)
            views = {}
            for name in self._views(learning, self.kept):
                views[name] = self.view(index, name, part)
            with self.replay(index, "tasks"):
                outputs = self.model.run(learning, part, views, again)
            shares = [self.model.share_of_step(name, outputs, totals) for name in self.tasks]
            stacked = torch.stack(shares)
            own = (self.model.factors(totals) * stacked).sum() if outputs else stacked.sum()
        objective = own
        for name, kept in self.kept.items():
            objective = objective + kept.bridge(replace(views[name], again=again), place)
        squares = self._squares(shares, views, again, place)
        if objective.requires_grad:
            objective.backward()  # type: ignore[no-untyped-call]
        return PartialLoss(own.detach(), stacked.detach(), squares, self.model.logs(outputs, part, views))

    def _squares(
        self, shares: Sequence[Tensor], views: Mapping[str, View], again: Tensor | None, place: int
    ) -> Tensor | None:
        """Squared norms of all losses' gradients on a chunk's tokens; those of comparing tasks were kept."""
        if not any(view.encoded for view in views.values()):
            return None
        losses = []
        for (name, task), share in zip(self.tasks.items(), shares, strict=True):
            kept = self.kept.get(task.view) if task.compares_items else None
            losses.append(share if kept is None else kept.bridge(replace(views[task.view], again=again), place, name))
        return self.model.squares(losses, list(views.values()), ALONE)

    def view(self, index: int, name: str, part: MicroBatch) -> View:
        """A view of a chunk as the whole step's would be: weighed by the statistics that the harmonizer had then."""
        seen = self._encode(index, name, part)
        with self.replay(index, name, "fused"), with_buffers(self.backbone.harmonizer, self.buffers.get(name, {})):
            return self.backbone.fuse(seen)

    def _encode(self, index: int, name: str, part: MicroBatch) -> Seen:
        with self.replay(index, name, "encoded"):
            return self.backbone.encode(part.batch, part.observations[name])

    def _again(self, index: int, part: MicroBatch) -> Tensor | None:
        """Features of the second augmentation, if there is one and a task reads them."""
        there = any(inputs.again is not None for inputs in part.batch.inputs.values())
        if not there or not any(task.augments_twice for task in self.tasks.values()):
            return None
        with self.replay(index, "again"):
            return self.backbone.features_again(part.batch)

    def _views(self, tasks: Iterable[str], more: Iterable[str] = ()) -> list[str]:
        """The views that some tasks read, and more, in the order of :class:`Pretrainer`: the masked one first."""
        return sorted({self.tasks[name].view for name in tasks} | set(more), reverse=True)


def require_chunks(model: Pretrainer) -> None:
    """Refuse a model whose steps cannot come in chunks.

    Raises:
        ConfigError: a task compares items by what it hid in them: hidden tokens of a whole step are not kept.
    """
    problems = []
    for name, task in model.tasks.items():
        if task.compares_items and task.modality is not None:
            problems.append(f"schedule.chunk: task_{name} hides tokens and compares items; leave one of the two out")
    if problems:
        raise ConfigError(problems)


def needs_cache(model: Pretrainer) -> bool:
    """Whether chunks that know nothing of each other would give another gradient than the whole step."""
    compares = any(task.compares_items for task in model.tasks.values())
    return compares or type(model.backbone.harmonizer).observe is not Harmonizer.observe


def _reads_everything(model: Pretrainer) -> bool:
    """Whether a comparing task reads more than features and weights that are made of features."""
    backbone = model.backbone
    weighed_late = backbone.weigh_pairs and backbone.pairs_from == "fused"
    comparing = [task for task in model.tasks.values() if task.compares_items]
    return any(weighed_late or not task.features_are_enough for task in comparing)
