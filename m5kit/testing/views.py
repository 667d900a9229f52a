"""Makes what fusions, harmonizers, tasks and heads read: tokens, presence and views with made-up modalities."""

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from m5kit.api import Fused, Harmony, Tokens, View

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
    there = [m for m in MODALITIES if m != without]
    encoded = {m: _leaf(t) for m, t in random_tokens(present).items() if m in there}
    fused = {m: _leaf(t) for m, t in random_tokens(present).items() if m in there}
    features = torch.randn(len(present), len(MODALITIES), FEATURES) * present[..., None]
    features.requires_grad_()
    rows = {m: present[:, MODALITIES.index(m)].nonzero().squeeze(1) for m in there}
    made = random_fused(present, fused)
    both = (present[:, :, None] & present[:, None]).float()
    harmony = Harmony(pairs=both, tasks=present.float(), modalities=made.weights)
    leaves = {"features": features, "embedding": made.embedding, "pooled": made.pooled}
    leaves |= {f"encoded {m}": t.values for m, t in encoded.items()}
    leaves |= {f"fused {m}": t.values for m, t in fused.items()}
    return Made(View(MODALITIES, present, rows, encoded, features, made, harmony), leaves)


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


def _leaf(tokens: Tokens) -> Tokens:
    return Tokens(tokens.values.requires_grad_(), tokens.lengths)
