"""What encoders around an opaque pretrained network share: what a task may hide, and how tokens come out."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from m5kit.arguments import ArgumentGroup
from m5kit.encoders.base import Encoder
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.extraction import EXTRACTED
from m5kit.nn.pretrained.projections import OwnProjection
from m5kit.nn.pretrained.tuning import Pretrained, prefixed
from m5kit.nn.transformer import SummaryTransformer
from m5kit.ranges import Count, Natural
from m5kit.structures import Inputs, Observation, Tokens

Hides = Literal["input", "output"]
Output = Literal["tokens", "pooled"]
Target = Literal["input", "network"]


@dataclass(frozen=True)
class Whole(Observation):
    """An observation of which nothing can be hidden, around what the network will see."""

    inner: Observation | None = None


@dataclass(frozen=True)
class TokenOptions(ArgumentGroup):
    """What a task may hide of a pretrained encoder, and which tokens the encoder gives.

    Args:
        hides: what a task may hide: units of the ``input``, or tokens of the ``output`` (of a frozen network only).
        output: one token for each unit (``tokens``), or only the summary (``pooled``).
        mixing: transformer blocks after a frozen network whose output is hidden.
        heads: attention heads of one.
    """

    hides: Hides = "input"
    output: Output = "tokens"
    mixing: Natural = 2
    heads: Count = 4


@dataclass(frozen=True)
class Extracted(Observation):
    """What a frozen network made of the input; ``summary`` ``p c`` is its summary, whatever a task hides."""

    summary: Tensor | None = None


class PretrainedEncoder(Encoder):
    """Cuts its input into units, hands what a task left of them to a network, and aligns what comes out.

    A subclass says how to :meth:`cut` and how to :meth:`run`. With ``hides="output"`` a task hides the tokens that come
    out of a frozen network instead, as SCALE hides given features; a small transformer then makes them contextual.

    Args:
        dim: width d of the tokens.
        width: width c of the network's tokens.
        backbone: the network.
        tokens: what a task may hide and what comes out (``hides``, ``output``, ``mixing``, ``heads``).
        target: what a masked-feature task predicts of a hidden unit: the ``input`` or, with a frozen network, what
            the ``network`` makes of it when nothing is hidden.
        projection: from the summary to the space that a tower shares with its counterpart; None if there is none.

    Raises:
        ConfigError: a network in training would be its own target.
    """

    shareable = "backbone"
    libraries = ("transformers", "open_clip_torch")

    def __init__(
        self,
        *,
        dim: Count,
        width: Count,
        backbone: Pretrained,
        tokens: TokenOptions,
        target: Target = "input",
        projection: OwnProjection | None = None,
    ) -> None:
        super().__init__()
        if not backbone.frozen and (tokens.hides == "output" or target == "network"):
            key = "hides: output" if tokens.hides == "output" else "target: network"
            raise ConfigError(
                [
                    f"{key}: a network in training cannot be its own target, it would learn to say the same of "
                    "everything; set trainable: none, or hide and predict the input"
                ]
            )
        self.dim, self.width = dim, width
        self.hides, self.output, self.target = tokens.hides, tokens.output, target
        self.backbone, self.projection = backbone, projection
        self.aligned = projection is not None
        # a frozen network's summary is worth keeping as it is; one in training has no vector that stays
        self.given = projection.features if projection else width * backbone.frozen
        fits = width == dim and not backbone.frozen
        self.project = nn.Identity() if fits else nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dim))
        self.mixer: SummaryTransformer | None = None
        if tokens.hides == "output":
            self.mixer = SummaryTransformer(dim=dim, layers=tokens.mixing, heads=tokens.heads, ratio=2.0)

    @abstractmethod
    def cut(self, inputs: Inputs) -> Observation:
        """Units of the input that the network can be shown again after some were hidden."""

    @abstractmethod
    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """A summary ``p c`` and tokens ``p l c``, one for each unit, in order."""

    @property
    def extracts(self) -> bool:
        """Whether a task hides tokens of the output, so that the network runs before all that learns."""
        return self.hides == "output"

    @torch.no_grad()
    def extract(self, inputs: Inputs) -> Inputs:
        """What a frozen network makes of ``inputs``: ``p l c`` float16, the summary first; :meth:`observe` takes it."""
        with torch.autocast(inputs.values.device.type, enabled=False):  # the same in every run, whatever its precision
            observation = self.cut(inputs)
            summary, tokens = self.run(observation)
        if self.output == "pooled":
            values, lengths = summary[:, None], torch.ones_like(observation.lengths)
        else:
            values, lengths = torch.cat([summary[:, None], tokens], dim=1), observation.lengths + 1
        return Inputs(values.half(), lengths, {EXTRACTED: torch.ones(values.shape[:2], dtype=torch.int64)})

    def frozen_modules(self) -> Mapping[str, nn.Module]:
        """The network, and what a subclass puts before it; only what aligns and mixes its tokens learns."""
        learning = (self.project, self.mixer)
        return {name: module for name, module in self.named_children() if module not in learning}

    def observe(self, inputs: Inputs) -> Observation:
        """Units of the input, or what a frozen network makes of it.

        Returns:
            ids ``p l``, or features ``p l e``.
        """
        if self.hides == "output":
            given = inputs if EXTRACTED in inputs.extras else self.extract(inputs)
            values = given.values.float()
            return Extracted(values, given.lengths, summary=values[:, 0])
        observation = self.cut(inputs)
        if self.target == "network" and observation.values.is_floating_point():
            with torch.no_grad():
                observation = replace(observation, target=self.run(observation)[1].float())
        return _whole(observation) if self.output == "pooled" else observation

    def encode(self, observation: Observation) -> Tokens:
        """Contextual tokens ``p 1+l d``."""
        lengths = observation.lengths + 1
        if self.mixer is not None:
            # an encoder around this one (frames of a clip) hands over values alone, and reads no given vector
            kept = observation.summary if isinstance(observation, Extracted) else observation.values[:, 0]
            assert kept is not None
            mixed = self.mixer(self.project(observation.values), observation.lengths)
            return Tokens(mixed, lengths, self._given(kept))
        if isinstance(observation, Whole):
            assert observation.inner is not None
            summary = self.run(observation.inner)[0]
            return Tokens(self.project(summary)[:, None], lengths, self._given(summary))
        summary, tokens = self.run(observation)
        values = self.project(torch.cat([summary[:, None], tokens], dim=1))
        real = torch.cat([observation.mask.new_ones(values.shape[0], 1), observation.mask], dim=1)
        return Tokens(values.masked_fill(~real[..., None], 0.0), lengths, self._given(summary))

    def learning_rate_scales(self) -> Mapping[str, float]:
        """Factor of the learning rate by parameter name, where it is not 1."""
        scales = prefixed("backbone", self.backbone.scales())
        if self.projection is None or self.backbone.tuning.rate_scale == 1.0:
            return scales
        # the projection is pretrained as the blocks are, so it moves as slowly as the last of them
        own = {f"projection.{name}": self.backbone.tuning.rate_scale for name, _ in self.projection.named_parameters()}
        return scales | own

    def _given(self, summary: Tensor) -> Tensor | None:
        """The tower's own vector ``p e`` of a summary ``p c``, before anything is learned."""
        if self.projection is not None:
            return self.projection(summary).float()  # type: ignore[no-any-return]
        return summary.float() if self.given else None


def _whole(inner: Observation) -> Whole:
    nothing = inner.values[:, :0]
    target = None if inner.target is None else inner.target[:, :0]
    return Whole(
        nothing,
        torch.zeros_like(inner.lengths),
        vocabulary=inner.vocabulary,
        mask_id=inner.mask_id,
        target=target,
        inner=inner,
    )
