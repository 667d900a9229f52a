"""Turns an item of several modalities into a query, in which each of them may count more or less."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import QueryError
from m5kit.signatures import hint

if TYPE_CHECKING:
    from m5kit.public.answers import Embeddings

Embed: TypeAlias = "Callable[[Sequence[Mapping[str, Any]]], Embeddings]"
"""The vectors of items, those that cannot be used left out."""

Vector = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Query:
    """What is searched for.

    Attributes:
        vector: ``d``, of unit length.
        parts: by modality, the unit vector of it alone, times what it counts.
    """

    vector: Vector
    parts: Mapping[str, Vector]

    def shares(self, vectors: Vector) -> list[dict[str, float]]:
        """Of each found vector ``k d``, how much each modality of the query has to do with it; they sum to 1.

        A share is the modality's own cosine with the hit, times its weight; one that points away has none.
        """
        names = list(self.parts)
        if not names:
            return [{} for _ in vectors]
        near = np.stack([np.clip(vectors @ part, 0, None) for part in self.parts.values()], axis=1)
        total = near.sum(1, keepdims=True)
        parts = np.divide(near, total, out=np.full_like(near, 1 / len(names)), where=total > 0)
        return [dict(zip(names, row.tolist(), strict=True)) for row in parts]


def make_query(item: Mapping[str, Any], weights: Mapping[str, float], embed: Embed) -> Query:
    """The query of one item.

    With equal weights it is the item's own vector, and without a modality (weight 0) that of the item without it. In
    between, the vectors of nested sets of modalities are mixed: those that count most, then one more at a time, each
    set by how much its last modality's weight exceeds the next one (the Lovász extension of a function of sets).

    Args:
        item: values by modality.
        weights: from 0 to 1 by modality; 1 where nothing is given.
        embed: of the index's run, in its space.

    Raises:
        QueryError: a wrong weight, or an item that cannot be embedded.
    """
    given = {name: value for name, value in item.items() if value is not None}
    if not given:
        raise QueryError("the query is empty; give at least one modality")
    amounts = _amounts(given, weights)
    order = sorted(amounts, key=lambda name: -amounts[name])
    sets: dict[frozenset[str], float] = {}
    for place, name in enumerate(order):
        following = amounts[order[place + 1]] if place + 1 < len(order) else 0.0
        if amounts[name] > following:
            sets[frozenset(order[: place + 1])] = amounts[name] - following
    alone = [frozenset([name]) for name in order]
    vectors = _embed_sets(given, [*sets, *(each for each in alone if each not in sets)], embed)
    mixed = np.sum([amount * vectors[each] for each, amount in sets.items()], axis=0)
    length = float(np.linalg.norm(mixed))
    if not length:
        raise QueryError("the parts of the query cancel each other; change a weight")
    return Query(
        np.asarray(mixed / length, np.float32),
        {name: np.asarray(amounts[name] * vectors[frozenset([name])], np.float32) for name in order},
    )


def _amounts(given: Mapping[str, Any], weights: Mapping[str, float]) -> dict[str, float]:
    """The weights of the modalities that are there and count, the largest of them 1."""
    problems = []
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
            problems.append(f"weight of {name}: expected a number from 0 to 1, got {weight!r}")
    if problems:
        raise QueryError("; ".join(problems))
    amounts = {name: float(weights.get(name, 1.0)) for name in given}
    most = max(amounts.values())
    if not most or not math.isfinite(most):
        raise QueryError("every modality of the query has weight 0; raise one")
    return {name: amount / most for name, amount in amounts.items() if amount}


def _embed_sets(given: Mapping[str, Any], sets: Sequence[frozenset[str]], embed: Embed) -> dict[frozenset[str], Vector]:
    """The unit vector of the item as each set of modalities shows it.

    Raises:
        QueryError: the item cannot be used.
    """
    found = embed([_only(given, each) for each in sets])
    if found.problems:
        # the same mistake stands in every set that holds the modality
        raise QueryError("; ".join(dict.fromkeys(found.problems[row] for row in sorted(found.problems))))
    units = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    return dict(zip(sets, units, strict=True))


def _only(given: Mapping[str, Any], modalities: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in modalities}


NAMED = 3
"""Unknown modalities that an error names."""


def require_known(names: Sequence[str], modalities: Sequence[str]) -> None:
    """Refuse modalities that the run does not read.

    Raises:
        QueryError: the first of them are named: a client may have sent millions.
    """
    unknown = [name for name in names if name not in modalities]
    if unknown:
        described = [f"{name!r} ({hint(name, modalities)})" for name in unknown[:NAMED]]
        if len(unknown) > NAMED:
            described.append(f"nor {len(unknown) - NAMED:,} more")
        raise QueryError(f"the run reads no {', '.join(described)}; it reads {', '.join(modalities)}")
