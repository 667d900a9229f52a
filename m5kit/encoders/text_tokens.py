"""Token ids in order: embeddings, positions, a transformer."""

import torch
from torch import nn

from m5kit.encoders.base import Encoder
from m5kit.errors import ContractError
from m5kit.nn.transformer import SummaryTransformer, TransformerShape, init_weights
from m5kit.ranges import Count, Natural
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens


@ENCODERS.register_module("text_tokens")
class TextTokens(Encoder):
    """A compact text encoder that learns from scratch; a task hides ids.

    Args:
        dim: width d of the tokens.
        vocabulary: how many ids there are.
        max_tokens: the longest text.
        mask_id: the id of a hidden token.
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
        shape: TransformerShape = TransformerShape(),
    ) -> None:
        super().__init__()
        self.dim = dim
        self.vocabulary = vocabulary
        self.mask_id = mask_id
        self.words = nn.Embedding(vocabulary, dim)
        self.positions = nn.Parameter(torch.empty(max_tokens, dim))
        self.transformer = SummaryTransformer(dim=dim, **shape.arguments)
        nn.init.trunc_normal_(self.positions, std=0.02)
        init_weights(self.words)

    def observe(self, inputs: Inputs) -> Observation:
        """The ids ``p l`` as they are."""
        return Observation(inputs.values, inputs.lengths, vocabulary=self.vocabulary, mask_id=self.mask_id)

    def encode(self, observation: Observation) -> Tokens:
        """Contextual tokens ``p 1+l d``."""
        size = observation.values.shape[1]
        if size > len(self.positions):
            raise ContractError(
                f"a text has {size} tokens, the encoder was built for {len(self.positions)}; set the same max_tokens "
                "in the transform and in the encoder"
            )
        values = self.words(observation.values) + self.positions[:size]
        return Tokens(self.transformer(values, observation.lengths), observation.lengths + 1)

    @classmethod
    def example(cls) -> tuple["TextTokens", Inputs]:
        """A small instance, and three texts of different lengths."""
        encoder = cls(dim=16, vocabulary=20, max_tokens=8, mask_id=2, shape=TransformerShape(layers=1, heads=2))
        return encoder, Inputs.stack([Inputs.single(torch.randint(3, 20, (length,))) for length in (5, 8, 2)])
