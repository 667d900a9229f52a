"""Random numbers that belong to items: functions of seed, item and purpose, independent of the rest of the batch.

A generator gives its numbers in sequence, so the numbers of an item depend on the items before it. Here every number is
a hash of what identifies it. The hash is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014), applied to whole
arrays on the host.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Words = npt.NDArray[np.uint64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Draws:
    """Random numbers of p items, for one purpose.

    Each call gives new ones. A number depends on the seed, the purpose, the item's position, the number of calls before
    and its place in the item's row. It depends neither on the other items nor on the padding of a row.

    Args:
        seed: of the run.
        purpose: what the numbers are for, such as the name of a task; different purposes give independent numbers.
        positions: ``p`` int64 on the host, ``Batch.positions`` of the items.

    Example:
        >>> both = Draws(0, "text", torch.tensor([7, 8])).uniform(3)
        >>> torch.equal(Draws(0, "text", torch.tensor([8])).uniform(2), both[1:, :2])
        True
    """

    def __init__(self, seed: int, purpose: str, positions: Tensor) -> None:
        self.positions = positions
        digest = blake2b(f"{seed}\0{purpose}".encode(), digest_size=8).digest()
        self._key = np.uint64(int.from_bytes(digest, "little"))
        self._items = self._hashed(positions)
        self._calls = 0

    def __len__(self) -> int:
        return len(self.positions)

    def uniform(self, *shape: int) -> Tensor:
        """``p *shape`` float32 on the host, in [0, 1)."""
        return _unit(self._words(shape))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """``p *shape`` int64 on the host, from ``low`` to below ``high``."""
        # 32 random bits times the range, shifted back: no division, and no bias that ids could show
        spread = (self._words(shape) >> np.uint64(32)) * np.uint64(high - low) >> np.uint64(32)
        return torch.from_numpy(spread.astype(np.int64) + low)

    def pairs(self, positions: Tensor | None = None) -> Tensor:
        """``p q`` float32 on the host, in [0, 1): a number for each of these items with each other one, by positions.

        Args:
            positions: ``q`` of the others; None for those of these items.
        """
        others = self._items if positions is None else self._hashed(positions)
        return _unit(_mix(self._next_call()[:, None] ^ _mix(others + _GOLDEN)))

    def _hashed(self, positions: Tensor) -> Words:
        return _mix(positions.numpy().astype(np.uint64) ^ self._key)

    def _words(self, shape: Sequence[int]) -> Words:
        """Random 64-bit words ``p *shape`` of the next call."""
        places = np.arange(int(np.prod(shape)), dtype=np.uint64) * _GOLDEN
        return _mix(self._next_call()[:, None] + places).reshape(len(self), *shape)

    def _next_call(self) -> Words:
        """One key for each item, different at each call."""
        self._calls += 1
        return _mix(self._items ^ np.uint64(self._calls))


def _mix(words: Words) -> Words:
    """SplitMix64's finaliser: each bit of the result depends on every bit of the word."""
    words = words + _GOLDEN
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _unit(words: Words) -> Tensor:
    """Words as float32 in [0, 1)."""
    # 24 bits are what a float32 below 1 holds exactly; more would round up to 1
    return torch.from_numpy((words >> np.uint64(40)).astype(np.float32) * np.float32(2**-24))
