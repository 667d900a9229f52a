"""Some queries of a search and their hits, for people to look at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GalleryHit:
    """One hit of a query.

    Attributes:
        id: of the item.
        label: its label, an empty string if it has none.
        score: the similarity by which hits are ordered, the largest first.
        relevant: whether it has what the query looks for.
    """

    id: str
    label: str
    score: float
    relevant: bool


@dataclass(frozen=True, slots=True)
class GalleryQuery:
    """One query and its best hits.

    Attributes:
        id: of the item.
        label: its label.
        hits: best first.
    """

    id: str
    label: str
    hits: Sequence[GalleryHit]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Some queries of one metric.

    Attributes:
        query_split: where the queries come from.
        gallery_split: where the hits come from.
        query_modalities: what the model saw of a query; None for all modalities of the run.
        gallery_modalities: what it saw of a hit.
        label: what queries and relevant hits share.
        queries: those that are shown.
    """

    query_split: str
    gallery_split: str
    query_modalities: Sequence[str] | None
    gallery_modalities: Sequence[str] | None
    label: str
    queries: Sequence[GalleryQuery]

    def as_json(self) -> dict[str, Any]:
        """Plain data, as ``gallery.json`` holds it."""
        return asdict(self)
