"""A table as a set of typed values: one token a value, numbers by their size."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from m5kit.encoders.base import Encoder
from m5kit.errors import ContractError
from m5kit.nn.transformer import SummaryTransformer, TransformerShape, init_weights
from m5kit.ranges import Count, Natural, Positive
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens

MICRO = 1_000_000
"""Numbers come as millionths of a standard deviation."""

NO_NUMBER = -(2**62)


@dataclass(frozen=True)
class Typed(Observation):
    """Ids of values with their properties ``p l`` and numbers ``p l`` (host), and the ``ids`` before any was hidden."""

    columns: Tensor | None = None
    numbers: Tensor | None = None
    ids: Tensor | None = None


@ENCODERS.register_module("table_columns")
class TableColumns(Encoder):
    """Values as tokens in the way of FT-Transformer (NeurIPS 2021); numbers by periodic functions (NeurIPS 2022).

    A token is what its property is plus what its value is. Values are a set, so none knows where it stands. Where a
    task has hidden a value its number is hidden too.

    Args:
        dim: width d of the tokens.
        vocabulary: how many ids of values there are.
        max_tokens: the most values of a table.
        mask_id: the id of a hidden value.
        columns: how many ids of properties there are.
        numbers: ``periodic`` adds sines and cosines of a number, at learned frequencies, to its bin; ``bins`` leaves
            the bin alone.
        frequencies: how many sines, and as many cosines.
        sigma: deviation of the frequencies at the start; larger ones tell finer differences.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).
    """

    shareable = "transformer"

    def __init__(
        self,
        *,
        dim: Count,
        vocabulary: Count,
        max_tokens: Count,
        mask_id: Natural,
        columns: Count,
        numbers: Literal["periodic", "bins"] = "periodic",
        frequencies: Count = 16,
        sigma: Positive = 0.3,
        shape: TransformerShape = TransformerShape(),
    ) -> None:
        super().__init__()
        self.dim, self.vocabulary, self.mask_id, self.max_tokens = dim, vocabulary, mask_id, max_tokens
        self.words = nn.Embedding(vocabulary, dim)
        self.columns = nn.Embedding(columns, dim)
        self.size = Periodic(dim=dim, frequencies=frequencies, sigma=sigma) if numbers == "periodic" else None
        self.transformer = SummaryTransformer(dim=dim, **shape.arguments)
        for part in (self.words, self.columns):
            init_weights(part)

    def observe(self, inputs: Inputs) -> Observation:
        """The ids ``p l`` of the values, with the pair of each.

        Raises:
            ContractError: the transform said no properties or numbers.
        """
        if not {"columns", "numbers", "groups"} <= inputs.extras.keys():
            raise ContractError(f"table_columns got extras {sorted(inputs.extras)}; use the transform 'columns'")
        extras = inputs.extras
        return Typed(
            inputs.values,
            inputs.lengths,
            extras["groups"],
            extras.get("roles"),
            self.vocabulary,
            self.mask_id,
            columns=extras["columns"],
            numbers=extras["numbers"],
            ids=inputs.values,
        )

    def encode(self, observation: Observation) -> Tokens:
        """Contextual values ``p 1+l d``."""
        assert isinstance(observation, Typed)
        assert observation.columns is not None
        device = observation.values.device
        # Padding has -1, which is no row of an embedding; its tokens are masked later.
        columns = observation.columns.clamp(min=0).to(device, non_blocking=True)
        values = self.words(observation.values) + self.columns(columns)
        if self.size is not None:
            values = values + self._sizes(self.size, observation)
        return Tokens(self.transformer(values, observation.lengths), observation.lengths + 1)

    def _sizes(self, size: "Periodic", observation: Typed) -> Tensor:
        """What the numbers add to their tokens ``p l d``; nothing where there is none, or where it is hidden."""
        assert observation.numbers is not None
        assert observation.ids is not None
        device = observation.values.device
        millionths = observation.numbers.clamp(min=-(2**40))  # a float holds these
        numbers = (millionths.double() / MICRO).float().to(device, non_blocking=True)
        there = (observation.numbers > NO_NUMBER).to(device, non_blocking=True) & observation.mask
        shown = there & (observation.values == observation.ids)
        return size(numbers.masked_fill(~shown, 0.0)).masked_fill(~shown[..., None], 0.0)  # type: ignore[no-any-return]

    @classmethod
    def example(cls) -> tuple["TableColumns", Inputs]:
        """A small encoder, and three tables."""
        extras = {
            "columns": torch.randint(1, 6, (3, 5)),
            "numbers": torch.tensor([[NO_NUMBER, 500_000, -MICRO, NO_NUMBER, 0]] * 3),
            "groups": torch.arange(5).expand(3, -1),
            "roles": torch.full((3, 5), 2),
        }
        shape = TransformerShape(layers=1, heads=2, dropout=0.0)
        encoder = cls(dim=16, vocabulary=20, max_tokens=5, mask_id=2, columns=6, frequencies=4, shape=shape)
        return encoder, Inputs(torch.randint(3, 20, (3, 5)), torch.tensor([5, 2, 3]), extras)


class Periodic(nn.Module):
    """Sines and cosines of a number at learned frequencies, then a linear layer (Gorishniy et al., NeurIPS 2022).

    Args:
        dim: width d of what comes out.
        frequencies: how many.
        sigma: their deviation at the start.
    """

    def __init__(self, *, dim: int, frequencies: int, sigma: float) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(frequencies) * sigma)
        self.out = nn.Sequential(nn.Linear(2 * frequencies, dim), nn.ReLU())
        self.out.apply(init_weights)

    def forward(self, numbers: Tensor) -> Tensor:
        """``...`` to ``... d``."""
        angles = 2 * math.pi * self.frequencies * numbers[..., None]
        return self.out(torch.cat([angles.sin(), angles.cos()], dim=-1))  # type: ignore[no-any-return]
