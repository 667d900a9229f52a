"""What a metric can request: embeddings of a split or of made-up items, of some modalities, or corrupted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from m5kit.errors import ConfigError
from m5kit.structures import Sample

SPACES = ("item", "fused", "unscaled", "contrastive")
"""The embeddings of whole items that a metric may ask for; the name of a modality asks for that one's vectors."""

KINDS = ("missing", "noise", "mismatch", "withheld")
"""The kinds of :class:`Corruption`."""


@dataclass(frozen=True, slots=True)
class Corruption:
    """A change made to items before the model sees them. It depends on seed and id, not on batches or workers.

    With the same seed, a larger strength corrupts the same items as a smaller one, and more.

    Attributes:
        kind: ``"missing"`` removes the modality from the share ``strength`` of the items; ``"mismatch"`` gives that
            share the modality of another item; ``"noise"`` adds Gaussian noise of ``strength`` standard deviations of
            the item's values, or replaces that share of ids (words) with random ones; ``"withheld"`` removes one
            property.
        modality: what is corrupted; None for all, each independently.
        strength: 0 leaves everything as it is.
        seed: for the random draws.
        key: the property that is withheld; otherwise None.
    """

    kind: str
    modality: str | None = None
    strength: float = 1.0
    seed: int = 0
    key: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError([f"kind: expected {', '.join(map(repr, KINDS))}, got {self.kind!r}"])
        if self.strength < 0 or (self.strength > 1 and self.kind != "noise"):
            raise ConfigError([f"strengths: {self.kind} takes a share from 0 to 1, got {self.strength}"])


@dataclass(frozen=True, slots=True)
class Request:
    """The embeddings that a metric needs; equal requests of several metrics are embedded once.

    Attributes:
        split: the split whose items are embedded; only a name if ``samples`` are given.
        modalities: what the model may see of them, sorted; None for all modalities of the run. An item that has none of
            them stays, as a vector of zeros.
        space: ``"item"`` for the public vector of an item, of all that is seen of it; the name of a modality for that
            one's own; ``"fused"`` for the fusion's embedding, L2-normalised; ``"unscaled"`` for the same as it is,
            which with ``similarity: dot`` is what SCALE's released code compares; ``"contrastive"`` for the mean of the
            L2-normalised contrastive features of the modalities, beside what their fixed statistics have in common,
            L2-normalised again, which needs no fusion and compares across modalities.
        corruption: what is done to the items first; None leaves them as they are.
        properties: a modality of properties and values, which are added to the labels as ``MODALITY.PROPERTY``.
        samples: items that the metric makes up; they are embedded instead of a split.
    """

    split: str
    modalities: tuple[str, ...] | None = None
    space: str = "item"
    corruption: Corruption | None = None
    properties: str | None = None
    samples: tuple[Sample, ...] = field(default=(), hash=False)  # a sample holds mappings, which have no hash

    def __post_init__(self) -> None:
        if not self.space:
            raise ConfigError([f"space: expected {', '.join(map(repr, SPACES))} or the name of a modality, got ''"])

    @classmethod
    def of(cls, split: str, modalities: Sequence[str] | None, space: str) -> "Request":
        """A request from the arguments of a config; one modality may be given by its name alone.

        Example:
            >>> Request.of("test", ["b", "a"], "fused").modalities
            ('a', 'b')
        """
        if modalities is None:
            return cls(split, None, space)
        return cls(split, (modalities,) if isinstance(modalities, str) else tuple(sorted(set(modalities))), space)
