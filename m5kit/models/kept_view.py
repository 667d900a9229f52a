"""What tasks that compare items read of a step, kept for all its items, and the gradients of their losses on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Never, cast

import torch
from torch import Tensor

from m5kit.api import Fused, Harmony, Tokens, View
from m5kit.errors import ContractError
from m5kit.structures import ALONE, Peers

Named = dict[str, Tensor]


def tensors_of(view: View, everything: bool) -> Named:
    """Those that a loss may go back through, by name.

    Args:
        view: of some items.
        everything: all of the view; otherwise what ``Task.features_are_enough`` promises.
    """
    found = {"features": view.features}
    if view.again is not None:
        found["again"] = view.again
    if not everything:
        return found
    found |= {"pairs": view.harmony.pairs, "tasks": view.harmony.tasks, "shares": view.harmony.modalities}
    found |= {"pooled": view.fused.pooled, "embedding": view.fused.embedding, "weights": view.fused.weights}
    if view.items is not None:
        found["items"] = view.items
    if view.confidence is not None:
        found["confidence"] = view.confidence
    for m, tokens in view.encoded.items():
        found[f"encoded {m}"] = tokens.values
        if tokens.given is not None:
            found[f"given {m}"] = tokens.given
    for m, tokens in view.fused.tokens.items():
        found[f"fused {m}"] = tokens.values
    return found | {f"vectors {m}": vectors for m, vectors in view.vectors.items()}


@dataclass(frozen=True, slots=True)
class KeptPart:
    """What a chunk adds to a kept view.

    Attributes:
        tensors: by name, without a graph; what nobody in the chunk has is not there.
        present: ``b m`` bool on the host.
        lengths: ``b`` by modality, those of its encoded tokens.
        targets: class numbers ``b`` by label.
    """

    tensors: Named
    present: Tensor
    lengths: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]


@dataclass(frozen=True)
class KeptView:
    """A view of all items of a step, without a graph behind it.

    Attributes:
        modalities: the m columns.
        whole: all its items in one part.
        everything: whether more was kept than features.
        peers: the processes that have more of the step's items.
        gradients: of the objective on the tensors, by name, as far as any arrived.
        by_task: of each task's own loss, without weight or factor; empty unless a balancer asks for norms.
    """

    modalities: tuple[str, ...]
    whole: KeptPart
    everything: bool
    peers: Peers = ALONE
    gradients: Named = field(default_factory=dict)
    by_task: dict[str, Named] = field(default_factory=dict)

    def leaves(self, items: Tensor | None = None) -> Named:
        """The tensors, all of them or the rows ``n`` (host) of each, ready to receive gradients."""
        leaves = {}
        for name, tensor in self.whole.tensors.items():
            rows = tensor if items is None else tensor[items.to(tensor.device, non_blocking=True)]
            leaves[name] = rows.detach().requires_grad_()
        return leaves

    def view(self, leaves: Named, items: Tensor | None = None, early: Harmony | None = None) -> View:
        """The view that ``leaves`` are the tensors of.

        Args:
            leaves: as :meth:`leaves` gave them.
            items: the rows ``n`` (host) that they are of; None for all.
            early: the weights of pairs, where only features were kept.
        """
        part = self.whole if items is None else _some(self.whole, items)
        return View(
            self.modalities,
            part.present,
            rows_of(self.modalities, part.present),
            _tokens("encoded", leaves, part.lengths),
            leaves["features"],
            cast(Fused, _NotKept()) if early else _fused(leaves, part.lengths),
            early or Harmony(leaves["pairs"], leaves["tasks"], leaves["shares"]),
            targets=part.targets,
            again=leaves.get("again"),
            vectors=_named("vectors", leaves),
            items=leaves.get("items"),
            confidence=leaves.get("confidence"),
            peers=self.peers,
        )

    def add(self, found: Named, task: str | None = None, items: Tensor | None = None) -> None:
        """Add gradients on all items, or on the rows ``n`` (host), to those of the objective or of one task."""
        into = self.gradients if task is None else self.by_task.setdefault(task, {})
        for name, gradient in found.items():
            if name not in into:
                into[name] = torch.zeros_like(self.whole.tensors[name])
            if items is None:
                into[name] += gradient
            else:
                into[name].index_add_(0, items.to(gradient.device, non_blocking=True), gradient)

    def bridge(self, view: View, first: int, task: str | None = None) -> Tensor:
        """A scalar whose gradient on a chunk is that of the objective, or of one task, on the chunk's rows.

        Args:
            view: of the chunk, with its graph.
            first: the place of its first item in the step.
            task: by name; None for the objective.
        """
        gradients = self.gradients if task is None else self.by_task.get(task, {})
        rows = slice(first, first + len(view.present))
        return bridge(tensors_of(view, self.everything), {name: each[rows] for name, each in gradients.items()})


def bridge(tensors: Named, gradients: Named) -> Tensor:
    """A scalar whose gradient on the tensors is ``gradients``, as far as they have a graph and one was given.

    Args:
        tensors: by name; each may be narrower in its second axis than its gradient, which is padded.
        gradients: by name.
    """
    total = next(iter(tensors.values())).new_zeros(())
    for name, tensor in tensors.items():
        if tensor.requires_grad and name in gradients:
            # Linear in the tensors, so its gradient on them is the one that was given.
            gradient = gradients[name]
            # A chunk is padded to its own longest item, the whole to the longest of all.
            total = total + (tensor * (gradient[:, : tensor.shape[1]] if tensor.dim() > 1 else gradient)).sum()
    return total


def join(parts: Sequence[KeptPart]) -> KeptPart:
    """One part of all chunks, in their order."""
    labels = parts[0].targets
    return KeptPart(
        _joined([part.tensors for part in parts], parts),
        torch.cat([part.present for part in parts]),
        _joined([part.lengths for part in parts], parts),
        {label: torch.cat([part.targets[label] for part in parts]) for label in labels},
    )


def _joined(found: Sequence[Mapping[str, Tensor]], parts: Sequence[KeptPart]) -> Named:
    """Tensors by name, put below each other; zeros for a chunk that lacks one."""
    joined: Named = {}
    names: dict[str, None] = {}
    for tensors in found:
        names |= dict.fromkeys(tensors)
    for name in names:
        own = [tensors.get(name) for tensors in found]
        like = max((tensor for tensor in own if tensor is not None), key=lambda tensor: tensor.shape[1:2])
        joined[name] = like.new_zeros(sum(len(part.present) for part in parts), *like.shape[1:])
        first = 0
        for tensor, part in zip(own, parts, strict=True):
            last = first + len(part.present)
            if tensor is not None:
                place = joined[name][first:last]
                (place[:, : tensor.shape[1]] if tensor.dim() > 1 else place).copy_(tensor)
            first = last
    return joined


def rows_of(modalities: Sequence[str], present: Tensor) -> dict[str, Tensor]:
    """By modality that somebody has, the positions of its items in ``b m`` presence."""
    rows = {}
    for column, m in enumerate(modalities):
        if present[:, column].any():
            rows[m] = present[:, column].nonzero().squeeze(1)
    return rows


def _some(part: KeptPart, items: Tensor) -> KeptPart:
    """The rows ``n`` of a part, its tensors left out."""
    return KeptPart(
        {},
        part.present[items],
        {m: lengths[items] for m, lengths in part.lengths.items()},
        {label: target[items.to(target.device, non_blocking=True)] for label, target in part.targets.items()},
    )


def _fused(leaves: Named, lengths: Mapping[str, Tensor]) -> Fused:
    return Fused(_tokens("fused", leaves, lengths), leaves["pooled"], leaves["embedding"], leaves["weights"])


def _tokens(kind: str, leaves: Named, lengths: Mapping[str, Tensor]) -> dict[str, Tokens]:
    given = _named("given", leaves) if kind == "encoded" else {}
    return {m: Tokens(values, lengths[m], given.get(m)) for m, values in _named(kind, leaves).items()}


def _named(kind: str, leaves: Named) -> Named:
    return {name.removeprefix(f"{kind} "): leaf for name, leaf in leaves.items() if name.startswith(f"{kind} ")}


class _NotKept:
    """Stands for the output of the fusion where only features were kept."""

    def __getattr__(self, name: str) -> Never:
        raise ContractError(
            f"a task says features_are_enough and reads View.fused.{name}; leave that attribute at False, so that "
            "schedule.chunk keeps the whole view"
        )
