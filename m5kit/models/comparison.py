"""The losses of tasks that compare items, on views that were kept without a graph, and their gradients."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from m5kit.api import Draws, Fused, Harmony, Partial, Swap, TaskOutput, View
from m5kit.models.base import MicroBatch
from m5kit.models.kept_view import KeptView, Named, bridge
from m5kit.models.passes import swaps
from m5kit.models.pool import DonorPool
from m5kit.models.pretrainer import Pretrainer
from m5kit.nn.buffers import with_buffers
from m5kit.nn.replay import Replay
from m5kit.structures import ALONE

Autocast = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what a task asks the fusion for beside its view.

    Attributes:
        name: of the piece, for its random numbers.
        items: ``n`` (host), the kept rows that it is made of.
        fuse: makes it of a view of these rows.
    """

    name: tuple[str | int, ...]
    items: Tensor
    fuse: Callable[[View], Named]


@dataclass(frozen=True, slots=True)
class Gradients:
    """By name: of the objective, and of the task's own loss without weight and factor, if a balancer asks."""

    objective: Named
    own: Named


class Comparison:
    """Adds the gradients of comparing tasks to the parameters and to the views that they read.

    Args:
        model: that has the tasks.
        whole: the step as one micro-batch without inputs.
        size: how many made-up or cut items are fused at once.
        replay: gives pieces of work their random numbers.
        autocast: the precision of forward passes.
        buffers: the harmonizer's, by the view that it weighed with them.
    """

    def __init__(
        self,
        model: Pretrainer,
        whole: MicroBatch,
        size: int,
        replay: Replay,
        autocast: Autocast,
        buffers: Mapping[str, Named],
    ) -> None:
        self.model, self.backbone, self.buffers = model, model.backbone, buffers
        self.whole, self.size, self.replay, self.autocast = whole, size, replay, autocast

    def go_back(self, name: str, kept: KeptView) -> tuple[TaskOutput, Tensor]:
        """The output of a task, and its part of the objective, from which gradients have gone back.

        Args:
            name: of the task.
            kept: the view that it reads; it takes the gradients.
        """
        task, leaves, totals = self.model.tasks[name], kept.leaves(), self.whole.shared
        with self.autocast():
            view = kept.view(leaves, early=self._early_weights(task.view, kept, leaves))
            if swaps(task) and not task.gathers:
                view = replace(view, peers=ALONE)
            swap = task.swap(view, self._draws(name))
            shown = task.shown(view, self._draws(f"{name}/shown"))
            pool = self._pool(kept, swap) if view.peers.size > 1 else None
            sources = pool.kept if pool else kept
            pieces = [*self._swapped(name, pool.swap if pool else swap), *self._cut(name, shown)]
            made = self._make(sources, pieces)
            output = task.loss(_with_made(view, swap, shown, made), None)
            own = output.loss / totals[name]
            # Asked for anew for each task: where factors are learned each backward pass needs a graph of its own.
            objective = self.model.factors(totals)[list(self.model.tasks).index(name)] * own
        found = self._gradients(objective, own, leaves | made, kept.peers.anchors)
        self._add(kept, name, found, leaves, None)
        self._through_pieces(sources, name, pieces, found)
        if pool:
            for of in (None, name) if self.model.balancer.needs_norms else (None,):
                pool.hand_back(kept, of)
        return output, objective.detach()

    def _pool(self, kept: KeptView, swap: Swap | None) -> DonorPool | None:
        """The kept rows and those of other processes that made-up items are made of as well."""
        if swap is None:
            return None
        weigh = self.backbone.harmonizer if self.backbone.weigh_pooling else None
        return DonorPool.of(kept, swap, self.backbone.fusion.dim, weigh)

    def _draws(self, purpose: str) -> Draws:
        return Draws(self.whole.seed, purpose, self.whole.batch.positions)

    def _early_weights(self, view: str, kept: KeptView, leaves: Named) -> Harmony | None:
        """Weights of pairs made of the kept features, with a graph; None where all of the view was kept."""
        if kept.everything:
            return None
        there = kept.whole.present.to(self.backbone.device, non_blocking=True)
        with with_buffers(self.backbone.harmonizer, self.buffers.get(view, {})):
            return self.backbone.weigh_features(leaves["features"], there)

    def _swapped(self, name: str, swap: Swap | None) -> Iterator[Piece]:
        """Made-up items, a chunk at a time; each piece holds the items and the donors that it needs."""
        if swap is None:
            return
        for number, places in enumerate(torch.arange(len(swap.items)).split(self.size)):
            sources = torch.cat([swap.items[places], swap.donors[places]])
            items, rows = sources.unique(return_inverse=True)
            part = Swap(rows[: len(places)], swap.columns[places], rows[len(places) :])
            yield Piece((name, "swapped", number), items, partial(self._fuse_swapped, part))

    def _fuse_swapped(self, swap: Swap, view: View) -> Named:
        fused = self.backbone.fuse_swapped(replace(view, peers=ALONE), swap)
        # The fused tokens of items that do not exist are of no use to anybody.
        return {"made pooled": fused.pooled, "made embedding": fused.embedding, "made weights": fused.weights}

    def _cut(self, name: str, shown: Tensor | None) -> Iterator[Piece]:
        """Cut items, a chunk at a time."""
        if shown is None:
            return
        for number, items in enumerate(torch.arange(len(shown)).split(self.size)):
            yield Piece((name, "cut", number), items, partial(self._fuse_part, shown[items]))

    def _fuse_part(self, kept: Tensor, view: View) -> Named:
        return {"made items": self.backbone.fuse_part(view, kept).items}

    @torch.no_grad()
    def _make(self, kept: KeptView, pieces: list[Piece]) -> Named:
        """What all pieces give, ready to receive gradients."""
        found: dict[str, list[Tensor]] = {}
        for piece in pieces:
            view = kept.view(kept.leaves(piece.items), piece.items)
            with self.replay(*piece.name):
                made = piece.fuse(view)
            for key, tensor in made.items():
                found.setdefault(key, []).append(tensor)
        return {key: torch.cat(tensors).requires_grad_() for key, tensors in found.items()}

    def _through_pieces(self, kept: KeptView, name: str, pieces: list[Piece], found: Gradients) -> None:
        """Take the gradients on what the pieces gave on to the kept rows and to the fusion."""
        places: dict[str, int] = {}
        for piece in pieces:
            leaves = kept.leaves(piece.items)
            with self.autocast(), self.replay(*piece.name):
                made = piece.fuse(kept.view(leaves, piece.items))
            rows = {}
            for key, tensor in made.items():
                first = places.get(key, 0)
                places[key] = first + len(tensor)
                rows[key] = slice(first, places[key])
            objective = bridge(made, _sliced(found.objective, rows))
            own = bridge(made, _sliced(found.own, rows))
            if objective.requires_grad:
                self._add(kept, name, self._gradients(objective, own, leaves), leaves, piece.items)

    def _gradients(self, objective: Tensor, own: Tensor, leaves: Named, anchors: tuple[Tensor, ...] = ()) -> Gradients:
        """Add the gradients of the objective to the parameters; those on the leaves are returned."""
        norms: Named = {}
        if self.model.balancer.needs_norms:
            # With the anchors, so that a process whose leaves are not reached takes part in what others gather.
            wanted = [*leaves.values(), *anchors]
            each = torch.autograd.grad(own, wanted, retain_graph=True, allow_unused=True)[: len(leaves)]
            norms = {key: found for key, found in zip(leaves, each, strict=True) if found is not None}
        objective.backward()  # type: ignore[no-untyped-call]
        return Gradients({key: leaf.grad for key, leaf in leaves.items() if leaf.grad is not None}, norms)

    def _add(self, kept: KeptView, name: str, found: Gradients, leaves: Named, items: Tensor | None) -> None:
        """Keep the gradients on the rows of a view."""
        kept.add({key: each for key, each in found.objective.items() if key in leaves}, None, items)
        kept.add({key: each for key, each in found.own.items() if key in leaves}, name, items)


def _with_made(view: View, swap: Swap | None, shown: Tensor | None, made: Named) -> View:
    """The view with what the task asked for."""
    if swap is not None and len(swap.items):
        fused = Fused({}, made["made pooled"], made["made embedding"], made["made weights"])
        view = replace(view, mismatched=fused)
    if shown is not None:
        view = replace(view, partial=Partial(shown, made["made items"]))
    return view


def _sliced(gradients: Named, rows: dict[str, slice]) -> Named:
    return {key: gradients[key][place] for key, place in rows.items() if key in gradients}
