"""The smallest useful encoder: a text as the set of its words."""

import torch
from torch import nn

from m5kit.api import Encoder, Inputs, Observation, Tokens


class BagOfWords(Encoder):
    """Token ids without their order: every token knows itself and the mean of all.

    Args:
        dim: width of the tokens.
        vocabulary: how many ids there are.
        mask_id: the id of a hidden token.
    """

    def __init__(self, *, dim: int, vocabulary: int, mask_id: int) -> None:
        super().__init__()
        self.dim, self.vocabulary, self.mask_id = dim, vocabulary, mask_id
        self.words = nn.Embedding(vocabulary, dim)

    def observe(self, inputs: Inputs) -> Observation:
        """The ids, which a task may hide."""
        return Observation(inputs.values, inputs.lengths, vocabulary=self.vocabulary, mask_id=self.mask_id)

    def encode(self, observation: Observation) -> Tokens:
        """A summary token, then one token for each id."""
        words = self.words(observation.values) * observation.mask[..., None]
        mean = words.sum(1, keepdim=True) / observation.mask.sum(1).clamp(min=1)[:, None, None]
        return Tokens(torch.cat([mean, words + mean], dim=1), observation.lengths + 1)

    @classmethod
    def example(cls) -> tuple["BagOfWords", Inputs]:
        """A small instance and three texts, for the conformance kit."""
        texts = [Inputs.single(torch.randint(3, 20, (length,))) for length in (5, 8, 2)]
        return cls(dim=16, vocabulary=20, mask_id=2), Inputs.stack(texts)
