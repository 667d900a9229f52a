"""The results of a pass: weights, fused and contextual tokens, and the output of a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from m5kit.structures.peers import ALONE, Peers
from m5kit.structures.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Harmony:
    """The weights of each modality and each pair of modalities of an item.

    Attributes:
        pairs: ``b m m``, symmetric; weight of the contrastive pairs, 0 where either is absent.
        tasks: ``b m``; weight of the masked tasks, 0 where absent.
        modalities: ``b m``; share in the pooled embedding, sums to 1 over the present ones (0 if there are none).
    """

    pairs: Tensor
    tasks: Tensor
    modalities: Tensor

    @classmethod
    def uniform(cls, present: Tensor) -> "Harmony":
        """Equal weights for all modalities that are present; ``present`` is ``b m``."""
        alike = present.float()
        # At least 1, or an item with nothing would get 0 / 0.
        shares = alike / alike.sum(1, keepdim=True).clamp(min=1)
        return cls(pairs=alike[:, :, None] * alike[:, None, :], tasks=alike, modalities=shares)


@dataclass(frozen=True, slots=True)
class Fused:
    """The output of a fusion.

    Attributes:
        tokens: by modality, ``b l d``, aligned with the tokens that went in.
        pooled: ``b m d``, one vector a modality; zeros where absent.
        embedding: ``b d``; finite whatever is missing, zeros for an item with nothing.
        weights: ``b m``, the share each modality had in the embedding; 0 where absent.
    """

    tokens: Mapping[str, Tokens]
    pooled: Tensor
    embedding: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True)
class Partial:
    """Items as if they had only some of their modalities.

    Attributes:
        kept: ``b m`` bool on the host, the modalities that were left to them.
        items: ``b h``, the item vectors; no gradient goes from them to the encoders.
    """

    kept: Tensor
    items: Tensor


@dataclass(frozen=True, slots=True)
class View:
    """One pass of a batch through encoders and fusion, as the pretext tasks and heads read it.

    Attributes:
        modalities: the m columns of every ``m`` axis.
        present: ``b m`` bool on the host.
        rows: by modality, the positions ``p`` (host) of the items that have it.
        encoded: by modality, tokens before the fusion, ``b l d``.
        features: ``b m h`` contrastive features, made of ``vectors`` before the fusion; zeros where absent.
        fused: the fusion's output.
        harmony: the weights that the losses use.
        mismatched: the fusion's output for the n made-up items that a task asked for (``Task.swap``); else None.
        targets: class numbers ``b`` by label, -1 where an item has none; empty unless ``data.label`` names one.
        again: ``b m h``, contrastive features of the same items augmented a second time, for a task that asks for it
            (``Task.augments_twice``); else None.
        vectors: by modality, ``b w``: the readout of its tokens and the fixed statistics of its raw input side by side,
            each of unit length. The contrastive features are made of these; zeros where absent.
        confidence: ``b m``, how much each modality counts in the vectors of the items; 0 where absent.
        items: ``b h``, where the items stand in the space that all modalities share: the direction of the weighted sum
            of their contrastive features, plus what the fusion adds.
        partial: the items cut to some of their modalities, for a task that asks for it (``Task.shown``); else None.
        peers: the processes among which the items of this batch are shared out, this one included.
    """

    modalities: tuple[str, ...]
    present: Tensor
    rows: Mapping[str, Tensor]
    encoded: Mapping[str, Tokens]
    features: Tensor
    fused: Fused
    harmony: Harmony
    mismatched: Fused | None = None
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    again: Tensor | None = None
    vectors: Mapping[str, Tensor] = field(default_factory=dict)
    confidence: Tensor | None = None
    items: Tensor | None = None
    partial: Partial | None = None
    peers: Peers = ALONE


@dataclass(frozen=True, slots=True)
class Hidden:
    """The tokens that a task hid in one modality: flat positions in ``p * l`` (host), and true ids or features."""

    positions: Tensor
    targets: Tensor


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean for the log with its count, so that the means of several micro-batches can be averaged.

    Attributes:
        value: scalar without gradient.
        count: the number of things averaged.
    """

    value: Tensor
    count: float

    @classmethod
    def of(cls, parts: Sequence["Mean"]) -> Tensor:
        """The mean over the things of all parts, on their device."""
        if len(parts) == 1:
            return parts[0].value
        total = sum(part.count for part in parts)
        # the shares are host numbers, so nothing waits for the device
        return torch.stack([part.value * (part.count / total) for part in parts]).sum()


@dataclass(frozen=True, slots=True)
class TaskOutput:
    """A scalar loss to optimise, and values for the log, without gradient.

    Attributes:
        loss: the sum over the things that ``Task.count`` counts; the step divides it once, by their number in all its
            micro-batches. A task that leaves the count at 1 gives a mean, and its micro-batches count alike.
        logs: means over the same things; a :class:`Mean` where the count is another.
    """

    loss: Tensor
    logs: Mapping[str, "Tensor | Mean"] = field(default_factory=dict)
