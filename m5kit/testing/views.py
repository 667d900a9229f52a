"""Random inputs of fusions, harmonizers, tasks and heads: tokens, presence and views with made-up modalities."""

from dataclasses import dataclass, replace
from itertools import product

import torch
from torch import Tensor

from m5kit.api import Facts, Fused, Harmony, Hidden, Observation, Partial, Tokens, View

MODALITIES = ("a", "b", "c")
DIM = 16
FEATURES = 8
VOCABULARY = 13
OBSERVED = 6
STEPS = 5
"""Most observed tokens of an item."""

PRESENT = torch.tensor(list(product([True, False], repeat=len(MODALITIES))))
"""``b m``: every subset of the modalities, the full one first and the empty one last."""


@dataclass(frozen=True)
class Made:
    """A view, and the leaves that gradients should reach."""

    view: View
    leaves: dict[str, Tensor]


def random_tokens(present: Tensor, modalities: tuple[str, ...] = MODALITIES, dim: int = DIM) -> dict[str, Tokens]:
    """Random tokens ``b 1+l d`` by modality, of different lengths, zeros where absent."""
    tokens = {}
    for column, modality in enumerate(modalities):
        # different from item to item and modality to modality, so that no two are padded alike
        lengths = torch.arange(len(present)).add(column) % STEPS + 2
        lengths = torch.where(present[:, column], lengths, 0)
        values = torch.randn(len(present), STEPS + 1, dim)
        tokens[modality] = Tokens(values * (torch.arange(STEPS + 1) < lengths[:, None])[..., None], lengths)
    return tokens


def even_weights(present: Tensor) -> Tensor:
    """``b m``: present modalities count alike, rows sum to 1 or, with nothing, to 0."""
    return present / present.sum(1, keepdim=True).clamp(min=1)


def random_view(present: Tensor, without: str | None = None) -> Made:
    """A view of random numbers that all ask for gradients.

    Args:
        present: ``b m``.
        without: a modality that nobody has; it is a missing key then.
    """
    encoded = _leaves(random_tokens(present), without)
    fused = _leaves(random_tokens(present), without)
    features = torch.randn(len(present), len(MODALITIES), FEATURES) * present[..., None]
    features.requires_grad_()  # after the product, so that it is a leaf and gets a gradient
    rows = {}
    for column, modality in enumerate(MODALITIES):
        if modality != without:
            rows[modality] = present[:, column].nonzero().squeeze(1)
    made = random_fused(present, fused)
    # every pair that an item has counts once
    both = (present[:, :, None] & present[:, None]).float()
    harmony = Harmony(pairs=both, tasks=present.float(), modalities=made.weights)
    leaves = {"features": features, "embedding": made.embedding, "pooled": made.pooled}
    leaves |= {f"encoded {m}": t.values for m, t in encoded.items()}
    leaves |= {f"fused {m}": t.values for m, t in fused.items()}
    again = (torch.randn(features.shape) * present[..., None]).requires_grad_()
    leaves["features again"] = again
    targets = {"label": torch.arange(len(present)) % 3}
    view = View(
        MODALITIES, present, rows, encoded, features, made, harmony, targets=targets, again=again, trust=present.float()
    )
    return Made(view, leaves)


def random_fused(present: Tensor, tokens: dict[str, Tokens] | None = None) -> Fused:
    """A fused view of random numbers whose pooled vectors and embeddings ask for gradients."""
    pooled = torch.randn(len(present), len(MODALITIES), DIM) * present[..., None]
    embedding = torch.randn(len(present), DIM) * present.any(1, keepdim=True)
    return Fused(
        random_tokens(present) if tokens is None else tokens,
        pooled.requires_grad_(),
        embedding.requires_grad_(),
        even_weights(present),
    )


def facts_of(view: View) -> Facts:
    """The facts that the host knows of a view before the forward pass."""
    observations = {}
    for modality, rows in view.rows.items():
        lengths = view.encoded[modality].lengths[rows] - 1
        observations[modality] = Observation(torch.zeros(len(rows), STEPS, OBSERVED), lengths.clamp(min=0))
    return Facts(view.modalities, view.present, view.rows, observations)


def part_of_view(view: View, items: Tensor) -> View:
    """The view of some of its items ``n``, as if they had been a batch of their own."""
    present = view.present[items]
    rows = {m: present[:, view.modalities.index(m)].nonzero().squeeze(1) for m in view.rows}
    partial = None if view.partial is None else Partial(view.partial.kept[items], view.partial.items[items])
    return replace(
        view,
        partial=partial,
        present=present,
        rows=rows,
        encoded={m: tokens.select(items) for m, tokens in view.encoded.items()},
        features=view.features[items],
        trust=None if view.trust is None else view.trust[items],
        fused=_part_of_fused(view.fused, items),
        harmony=Harmony(view.harmony.pairs[items], view.harmony.tasks[items], view.harmony.modalities[items]),
        targets={name: target[items] for name, target in view.targets.items()},
        again=None if view.again is None else view.again[items],
    )


def part_of_hidden(hidden: Hidden, rows: Tensor, items: Tensor, size: int) -> Hidden:
    """What was hidden in some items.

    Args:
        hidden: positions flat in ``p * size``.
        rows: ``p``, the item of each row.
        items: ``n``, ascending.
        size: tokens of a row.
    """
    kept = torch.isin(rows, items)
    chosen = kept[hidden.positions // size]
    numbers = kept.cumsum(0) - 1  # a row's new number is the count of kept rows before it
    positions = hidden.positions[chosen]
    return Hidden(numbers[positions // size] * size + positions % size, hidden.targets[chosen])


def part_of_observation(observation: Observation, rows: Tensor) -> Observation:
    """The observation of some rows ``n``, in that order."""
    chosen = {}
    for name in ("groups", "roles", "target"):
        value = getattr(observation, name)
        chosen[name] = None if value is None else value[rows]
    return replace(observation, values=observation.values[rows], lengths=observation.lengths[rows], **chosen)


def _part_of_fused(fused: Fused, items: Tensor) -> Fused:
    tokens = {m: each.select(items) for m, each in fused.tokens.items()}
    return Fused(tokens, fused.pooled[items], fused.embedding[items], fused.weights[items])


def _leaves(tokens: dict[str, Tokens], without: str | None) -> dict[str, Tokens]:
    """The tokens of all modalities but one, asking for gradients."""
    for each in tokens.values():
        each.values.requires_grad_()
    tokens.pop(without or "", None)
    return tokens
