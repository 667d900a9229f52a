"""Texts as bags of words."""

import torch
from torch import Tensor

from m5kit.descriptors.base import Descriptor
from m5kit.nn.bags import bag, inverse_frequency
from m5kit.ranges import Count
from m5kit.registry import DESCRIPTORS
from m5kit.structures import Inputs, length_mask


@DESCRIPTORS.register_module("words")
class WordsDescriptor(Descriptor):
    """Term frequency times inverse document frequency of a text's ids (TF-IDF), order left out.

    Args:
        vocabulary: how many ids there are.
        width: of the vector. A larger vocabulary is folded into it with signs (feature hashing, Weinberger et al.
            2009), which keeps products of vectors on average.
    """

    needs = frozenset({"vocabulary"})
    rarity: Tensor

    def __init__(self, *, vocabulary: Count, width: Count = 512) -> None:
        super().__init__(blocks=(min(width, vocabulary),))
        # A small vocabulary keeps a column for each word: nothing collides, and no sign is needed.
        self.folded = vocabulary > self.width
        self.register_buffer("rarity", torch.ones(self.width))

    def measure(self, inputs: Inputs) -> Tensor:
        """``p w`` from ids ``p l``."""
        real = length_mask(inputs.lengths, inputs.values.shape[1], inputs.values.device)
        return bag(inputs.values, real, self.width, self.folded) * self.rarity

    def learn(self, measured: Tensor) -> Tensor:
        """Rare words count more; those of a single item tell nothing that another one shares."""
        self.rarity.copy_(inverse_frequency(measured))
        return super().learn(measured * self.rarity)

    @classmethod
    def example(cls) -> tuple["WordsDescriptor", Inputs]:
        """A small instance, and three texts of different lengths."""
        ids = [torch.randint(3, 40, (length,)) for length in (5, 8, 2)]
        return cls(vocabulary=40, width=16), Inputs.stack([Inputs.single(each) for each in ids])
