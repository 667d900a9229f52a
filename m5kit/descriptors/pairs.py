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

POWERS = tuple(pow(FACTOR, power, MODULUS) for power in range(1024))
"""Of the factor; the ids of a longer pair share the last one."""


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
        real = length_mask(inputs.lengths, inputs.values.shape[1])
        groups = inputs.extras["groups"].masked_fill(~real, -1).to(inputs.values.device, non_blocking=True)
        numbers, first = pair_numbers(inputs.values, groups)
        return bag(numbers, first, self.width, folded=True) * self.rarity

    def learn(self, measured: Tensor) -> Tensor:
        """Rare pairs count more; those of a single item tell nothing that another one shares."""
        self.rarity.copy_(inverse_frequency(measured))
        return super().learn(measured * self.rarity)

    @classmethod
    def example(cls) -> tuple["PairsDescriptor", Inputs]:
        """A small instance, and three tables of different lengths."""
        groups = torch.arange(9) // 3
        tables = [Inputs.single(torch.randint(3, 20, (length,)), {"groups": groups[:length]}) for length in (6, 9, 3)]
        return cls(width=16), Inputs.stack(tables)


def pair_numbers(ids: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    """One number for each pair: the polynomial of its ids, the last one without a factor, modulo MODULUS.

    Args:
        ids: ``p l``.
        groups: ``p l``, the pair of each, -1 for none.

    Returns:
        ``p l`` numbers, and which step is the first of its pair, where its number stands.

    Example:
        >>> numbers, first = pair_numbers(torch.tensor([[4, 6, 4]]), torch.tensor([[0, 0, 1]]))
        >>> numbers[first].tolist() == [5 * FACTOR + 7, 5]
        True
    """
    together = (groups[:, :, None] == groups[:, None]) & (groups >= 0)[:, None]  # p l l
    steps = torch.arange(ids.shape[1], device=ids.device)
    powers = torch.tensor(POWERS).to(ids.device, non_blocking=True)
    after = (together & (steps[:, None] < steps)).sum(2)
    earlier = (together & (steps[:, None] > steps)).any(2)
    # + 1, so that an id of 0 counts. The product stays below 2**51, far from an overflow of 64 bits.
    terms = (ids + 1) * powers[after.clamp(max=len(POWERS) - 1)] % MODULUS
    # Whole numbers, which every device adds exactly; not all of them know double precision.
    numbers = (together * terms[:, None]).sum(2) % MODULUS
    return numbers, (groups >= 0) & ~earlier
