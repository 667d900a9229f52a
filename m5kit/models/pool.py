"""Kept rows of a step that comes in chunks, and below them what made-up items have of other processes' items."""

from dataclasses import dataclass, replace

import torch

from m5kit.api import Harmonizer, Swap
from m5kit.models.donors import Loan, borrow, read_features
from m5kit.models.kept_view import KeptPart, KeptView, Named, join

_READ = ("features", "pairs", "tasks", "shares", "pooled", "embedding", "weights")
"""What a view of made-up items has, beside encoded tokens."""


@dataclass(frozen=True, slots=True)
class DonorPool:
    """What this process's made-up items are made of.

    Attributes:
        kept: a view of its own rows and the borrowed ones, each of which is an item with one modality. It takes
            gradients like any other, and its tensors have a graph that takes these to the processes that own the rows.
        swap: whose donors are rows of it.
        leaves: the tensors of this process, from which the graph begins.
        reached: names of the tensors whose gradients others wait for.
    """

    kept: KeptView
    swap: Swap
    leaves: Named
    reached: tuple[str, ...]

    @classmethod
    def of(cls, kept: KeptView, swap: Swap, width: int, weigh: Harmonizer | None) -> "DonorPool":
        """Borrow what is wanted; all processes must do so at once.

        Args:
            kept: what this process has of the step.
            swap: its donors are places among the items of all processes.
            width: d of the tokens.
            weigh: reads the features of made-up items; None if nothing does.
        """
        leaves = kept.leaves()
        view = kept.view(leaves)
        features = read_features(view, weigh)
        parts, donors, first = [_own_part(kept, leaves)], swap.donors.clone(), len(view.present)
        loans = borrow(view, features, swap, width)
        for m, loan in loans.items():
            parts.append(_borrowed_part(kept, m, loan))  # perhaps of no rows: its graph leads to what others wait for
            donors[loan.places] = torch.arange(first, first + len(loan.places))
            first += len(loan.places)
        reached = [f"encoded {m}" for m in loans]
        if loans and features.requires_grad:
            reached.append("features")
        pool = KeptView(kept.modalities, join(parts), everything=True)
        return cls(pool, replace(swap, donors=donors), leaves, tuple(reached))

    def hand_back(self, own: KeptView, task: str | None) -> None:
        """Give the gradients on all rows to whom these are; all processes must do so at once.

        Args:
            own: the view of this process's items.
            task: whose own loss they are of; None for the objective.
        """
        found = self.kept.gradients if task is None else self.kept.by_task.get(task, {})
        tensors = {name: self.kept.whole.tensors[name] for name in (*found, *self.reached)}
        gradients = [found.get(name, torch.zeros_like(tensor)) for name, tensor in tensors.items()]
        # With the anchors, so that a process of which nobody borrows takes part in what is sent.
        inputs = [*self.leaves.values(), *own.peers.anchors]
        back = torch.autograd.grad(list(tensors.values()), inputs, gradients, retain_graph=True, allow_unused=True)
        pairs = zip(self.leaves, back, strict=False)  # nobody wants the gradients of the anchors
        own.add({name: gradient for name, gradient in pairs if gradient is not None}, task)


def _own_part(kept: KeptView, leaves: Named) -> KeptPart:
    """All rows of this process, without what the fusion of made-up items does not read."""
    tensors = {name: leaf for name, leaf in leaves.items() if name in _READ or name.startswith("encoded ")}
    return replace(kept.whole, tensors=tensors, targets={})


def _borrowed_part(kept: KeptView, modality: str, loan: Loan) -> KeptPart:
    """Items that have one modality."""
    column, count = kept.modalities.index(modality), len(loan.places)
    present = torch.zeros(count, len(kept.modalities), dtype=torch.bool)
    present[:, column] = True
    features = loan.features.new_zeros(count, len(kept.modalities), loan.features.shape[1])
    features[:, column] = loan.features
    tensors = {"features": features, f"encoded {modality}": loan.tokens.values}
    return KeptPart(tensors, present, {modality: loan.tokens.lengths}, {})
