"""The types in which the stages meet: Sample, Inputs, Batch, Observation, Tokens, Harmony, Fused, View, TaskOutput.

Shape letters, everywhere in m5kit: b item, p item that has the modality, l token, d width, e raw width of an observed
token, h width of a contrastive feature, m modality, k top-k.

Real tokens come first along l and ``lengths`` counts them, so a mask is never stored. ``lengths``, ``present``, groups
and roles stay on the host: the step is planned there and the device is never asked for a size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from m5kit.errors import ContractError


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a manifest, before any file is opened. A missing modality is a missing key of ``sources``."""

    id: str
    sources: Mapping[str, Any]  # by modality: a path, a text or a table
    labels: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()  # taken away on purpose: no other modality's file stands in for them


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an encoder reads: one item's (as a transform returns it), or, after :meth:`stack`, those of p items.

    Attributes:
        values: ``l ...`` for one item, ``p l ...`` for many; any dtype. A picture is ``3 h w`` and ``p 3 h w``.
        lengths: scalar or ``p``, int64 on the host: how many steps along the padded axis are real.
        extras: integer facts a step (``l`` or ``p l``), on the host: entity number, role, frame number.
    """

    values: Tensor
    lengths: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def single(cls, values: Tensor, extras: Mapping[str, Tensor] | None = None, length: int | None = None) -> "Inputs":
        """Wrap one item's values; the first axis is the padded one unless ``length`` says otherwise."""
        return cls(values, torch.tensor(values.shape[0] if length is None else length), extras or {})

    @classmethod
    def stack(cls, items: Sequence["Inputs"]) -> "Inputs":
        """Collate p items, padding the first axis with zeros (extras with -1) to the longest."""
        longest = max(item.values.shape[0] for item in items)
        return cls(
            torch.stack([_pad_first(item.values, longest, 0) for item in items]),
            torch.stack([item.lengths for item in items]),
            {k: torch.stack([_pad_first(item.extras[k], longest, -1) for item in items]) for k in items[0].extras},
        )

    def to(self, device: torch.device | str) -> "Inputs":
        """Move the values; the plan stays on the host."""
        return replace(self, values=self.values.to(device, non_blocking=True))

    def pin_memory(self) -> "Inputs":
        """Pin the values for an asynchronous copy (PyTorch's DataLoader calls this)."""
        return replace(self, values=self.values.pin_memory())


def _pad_first(values: Tensor, size: int, fill: int) -> Tensor:
    missing = size - values.shape[0]
    return pad(values, [0, 0] * (values.dim() - 1) + [0, missing], value=fill) if missing else values


@dataclass(frozen=True, slots=True)
class Failure:
    """A modality of an item that could not be decoded, and why."""

    id: str
    modality: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Collated items; ``inputs[modality]`` holds the present items only, in the order of the batch.

    Attributes:
        ids: b names.
        modalities: the m columns of ``present``.
        present: ``b m`` bool on the host.
        inputs: by modality; a modality that nobody has is a missing key.
        targets: class numbers ``b`` by label name, -1 where an item has no such label.
        failures: what could not be decoded while this batch was made; those modalities count as absent.
    """

    ids: tuple[str, ...]
    modalities: tuple[str, ...]
    present: Tensor
    inputs: Mapping[str, Inputs]
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, modality: str) -> Tensor:
        """Positions ``p`` (host) of the items that have ``modality``."""
        return self.present[:, self.modalities.index(modality)].nonzero().squeeze(1)

    def only(self, modalities: Sequence[str]) -> "Batch":
        """The same items as if they had nothing but ``modalities``."""
        kept = torch.tensor([m in modalities for m in self.modalities])
        inputs = {m: part for m, part in self.inputs.items() if m in modalities}
        return replace(self, present=self.present & kept, inputs=inputs)

    def to(self, device: torch.device | str) -> "Batch":
        """Move inputs and targets; ids and presence stay on the host."""
        return replace(
            self,
            inputs={m: part.to(device) for m, part in self.inputs.items()},
            targets={name: target.to(device, non_blocking=True) for name, target in self.targets.items()},
        )

    def pin_memory(self) -> "Batch":
        """Pin what :meth:`to` moves."""
        return replace(
            self,
            inputs={m: part.pin_memory() for m, part in self.inputs.items()},
            targets={name: target.pin_memory() for name, target in self.targets.items()},
        )


def length_mask(lengths: Tensor, size: int, device: torch.device | str = "cpu") -> Tensor:
    """Mask ``p l``, True for the first ``lengths`` steps.

    Example:
        >>> length_mask(torch.tensor([2, 0]), 3)
        tensor([[ True,  True, False],
                [False, False, False]])
    """
    return (torch.arange(size) < lengths[:, None]).to(device, non_blocking=True)


@dataclass(frozen=True)
class Observation:
    """The tokens of one modality that a task may hide, and must then predict, before they are made contextual.

    Attributes:
        values: ``p l`` int64 ids, or ``p l e`` floating features (patches, frames, mel patches, given features).
        lengths: ``p`` int64 on the host; real tokens come first.
        groups: ``p l`` int64 on the host, the unit (entity, frame) a token belongs to, -1 for none; None if each
            token is a unit of its own.
        roles: ``p l`` int64 on the host, the part a token plays in its unit: 0 none, 1 key, 2 value; None if all alike.
        vocabulary: how many ids there are; None for features.
        mask_id: the id that stands for a hidden token; None for features, whose hidden tokens are zeros.
        target: what a masked-feature task predicts, ``p l t``; None means ``values``. It must not depend on a
            parameter in training, or the task collapses.
    """

    values: Tensor
    lengths: Tensor
    groups: Tensor | None = None
    roles: Tensor | None = None
    vocabulary: int | None = None
    mask_id: int | None = None
    target: Tensor | None = None

    @cached_property
    def mask(self) -> Tensor:
        """``p l`` on the values' device, True where real."""
        return length_mask(self.lengths, self.values.shape[1], self.values.device)


@dataclass(frozen=True)
class Tokens:
    """Contextual tokens of one modality: a summary token first, then one token for each observed one.

    Attributes:
        values: ``b l d``; rows of items without the modality have length 0.
        lengths: ``b`` int64 on the host, the summary token counted; 0 means absent.
    """

    values: Tensor
    lengths: Tensor

    def __post_init__(self) -> None:
        if self.values.dim() != 3 or self.lengths.shape != self.values.shape[:1]:
            raise ContractError(
                f"Tokens needs values (b, l, d) and lengths (b,), got {tuple(self.values.shape)} and "
                f"{tuple(self.lengths.shape)}; return one row an item"
            )

    @cached_property
    def mask(self) -> Tensor:
        """``b l`` on the values' device, True where real."""
        return length_mask(self.lengths, self.values.shape[1], self.values.device)

    @property
    def summary(self) -> Tensor:
        """The first token ``b d``; whatever stands there for an absent item."""
        if self.values.shape[1] == 0:
            return self.values.new_zeros(self.values.shape[0], self.values.shape[2])
        return self.values[:, 0]

    def scatter(self, rows: Tensor, size: int) -> "Tokens":
        """Spread p present items over ``size`` rows; the other rows are absent (length 0, zeros)."""
        if len(rows) == size:
            return self
        values = self.values.new_zeros(size, *self.values.shape[1:])
        values = values.index_copy(0, rows.to(values.device, non_blocking=True), self.values)
        return Tokens(values, torch.zeros(size, dtype=torch.int64).index_copy(0, rows, self.lengths))

    def select(self, items: Tensor) -> "Tokens":
        """Those of ``items`` ``n`` (host), in that order; an item may come twice."""
        return Tokens(self.values.index_select(0, items.to(self.values.device, non_blocking=True)), self.lengths[items])


@dataclass(frozen=True, slots=True)
class Harmony:
    """How much each modality and each pair of modalities of an item counts.

    Attributes:
        pairs: ``b m m``, symmetric; weight of the contrastive pairs, 0 where either is absent.
        tasks: ``b m``; weight of the masked tasks, 0 where absent.
        modalities: ``b m``; share in the pooled embedding, sums to 1 over the present ones (0 if there are none).
    """

    pairs: Tensor
    tasks: Tensor
    modalities: Tensor


@dataclass(frozen=True, slots=True)
class Fused:
    """What a fusion makes of all modalities.

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
class View:
    """One pass of a batch through encoders and fusion, as the pretext tasks and heads read it.

    Attributes:
        modalities: the m columns of every ``m`` axis.
        present: ``b m`` bool on the host.
        rows: by modality, the positions ``p`` (host) of the items that have it.
        encoded: by modality, tokens before the fusion, ``b l d``.
        features: ``b m h`` contrastive features of the summary tokens before the fusion; zeros where absent.
        fused: what the fusion made of it.
        harmony: the weights that the losses use.
        mismatched: what it made of the made-up items that a task asked for (``Task.swap``), n of them; else None.
    """

    modalities: tuple[str, ...]
    present: Tensor
    rows: Mapping[str, Tensor]
    encoded: Mapping[str, Tokens]
    features: Tensor
    fused: Fused
    harmony: Harmony
    mismatched: Fused | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a task hid from one modality: flat positions in ``p * l`` (host) and, there, the true ids or features."""

    positions: Tensor
    targets: Tensor


@dataclass(frozen=True, slots=True)
class TaskOutput:
    """A scalar loss to optimise, and numbers to look at that carry no gradient."""

    loss: Tensor
    logs: Mapping[str, Tensor] = field(default_factory=dict)
