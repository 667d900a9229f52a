"""Tables as sets of property-value pairs."""

import torch
from torch import Tensor

from m5kit.descriptors.base import Descriptor
from m5kit.errors import ContractError
from m5kit.nn.bags import bag, inverse_frequency
from m5kit.ranges import Count
from m5kit.registry import DESCRIPTORS
from m5kit.structures import Inputs, length_mask

FACTOR, MODULUS = 1_000_003, 2**31 - 1
"""Of the polynomial that makes one number of the ids of a pair."""


@DESCRIPTORS.register_module("pairs")
class PairsDescriptor(Descriptor):
    """One-hot columns: which value each property has, rare ones counting more.

    A pair is one number, made of all its ids in order, so ``colour: red`` and ``cap: red`` are different things.

    Args:
        width: of the vector; pairs are folded into it with signs, as words are.
    """

    needs = frozenset({"vocabulary"})
    rarity: Tensor

    def __init__(self, *, width: Count = 512) -> None:
        super().__init__(blocks=(width,))
        self.register_buffer("rarity", torch.ones(width))

    def measure(self, inputs: Inputs) -> Tensor:
        """``p w`` from ids ``p l`` and the pair of each, ``groups``.

        Raises:
            ContractError: the transform gave no groups.
        """
        if "groups" not in inputs.extras:
            raise ContractError(
                f"the descriptor 'pairs' needs the extra 'groups', got {sorted(inputs.extras)}; use the transform "
                "'properties'"
            )
        # On the host: 64-bit integers and writes at chosen places, a few thousand numbers in all.
        ids, real = inputs.values.cpu(), length_mask(inputs.lengths, inputs.values.shape[1])
        groups = inputs.extras["groups"].masked_fill(~real, -1)
        pairs = max(int(groups.max()) + 1, 1)
        numbers = torch.zeros(len(ids), pairs, dtype=torch.int64)
        rows = torch.arange(len(ids))
        for step in range(ids.shape[1]):
            inside = groups[:, step] >= 0
            # A step at a time: within one, no two ids belong to the same pair of an item, so no write is lost.
            at = rows[inside], groups[inside, step]
            # The product stays below 2**51, far from an overflow of 64 bits; + 1, so that an id of 0 counts.
            numbers[at] = (numbers[at] * FACTOR + ids[inside, step] + 1) % MODULUS
        found = bag(numbers, numbers > 0, self.width, folded=True)
        return found.to(inputs.values.device) * self.rarity

    def learn(self, measured: Tensor) -> None:
        """Rare pairs count more; those of a single item tell nothing that another one shares."""
        self.rarity.copy_(inverse_frequency(measured))
        super().learn(measured * self.rarity)

    @classmethod
    def example(cls) -> tuple["PairsDescriptor", Inputs]:
        """A small instance, and three tables of different lengths."""
        groups = torch.arange(9) // 3
        tables = [Inputs.single(torch.randint(3, 20, (length,)), {"groups": groups[:length]}) for length in (6, 9, 3)]
        return cls(width=16), Inputs.stack(tables)
