"""The contract of a descriptor: fixed statistics of one modality's raw inputs become a vector of unit length."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from m5kit.errors import ContractError
from m5kit.nn.rotation import rotation
from m5kit.structures import Inputs

SMALLEST = 1e-6
"""A block whose deviation is below this says nothing, and is left at zero rather than blown up."""


class Descriptor(nn.Module, ABC):
    """What a trivial method knows of an input, kept beside the learned vector so that training cannot lose it.

    A descriptor measures blocks of numbers, such as a histogram and a set of moments. Each block is centred over the
    corpus and divided by its root mean square length, so that the blocks count alike (times their ``shares``); the
    vector is rotated, which changes no cosine, and has unit length. Nothing in it learns from a loss. What it takes
    from the corpus lives in buffers, so a run folder opens without its data.

    Constructors are keyword-only. What the modality's transform ``provides()`` is filled in by name, as for encoders.

    Args:
        blocks: width of each block, in the order of :meth:`measure`.
        shares: how much each block counts to begin with; None lets all count alike.

    Attributes:
        width: of the vector.
        shares: of the blocks, as the corpus changed them.
        needs: what the modality's transform must provide, by name; a run leaves the descriptor out where it does not,
            as it does where a frozen encoder's outputs are read in place of the inputs.
        filled_in: the same names; a config need not set those that are arguments.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    filled_in: ClassVar[frozenset[str]] = frozenset()
    centre: Tensor
    scale: Tensor
    shares: Tensor
    fitted: Tensor

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.filled_in = cls.needs

    def __init__(self, *, blocks: Sequence[int], shares: Sequence[float] | None = None) -> None:
        super().__init__()
        self.blocks = tuple(blocks)
        self.width = sum(self.blocks)
        # Buffers and no parameters: saved with the model, moved with it, and never touched by an optimizer.
        self.register_buffer("centre", torch.zeros(self.width))
        self.register_buffer("scale", torch.ones(self.width))
        self.register_buffer("shares", torch.tensor(shares if shares is not None else [1.0] * len(self.blocks)))
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))
        # No buffer: processes that share the work compare theirs, and not each of them has turned a vector.
        self._rotation: Tensor | None = None

    @classmethod
    def example(cls) -> tuple["Descriptor", Inputs]:
        """A small instance, and inputs of three items of different lengths: what m5kit.testing tries it on."""
        raise NotImplementedError(f"{cls.__name__} has no example(); return (a small instance, inputs of three items)")

    @abstractmethod
    def measure(self, inputs: Inputs) -> Tensor:
        """The raw numbers ``p w`` of p items, block after block. Padding must not change them."""

    @property
    def studies(self) -> bool:
        """Whether it learns from pieces of inputs before anything is measured; then it has the next two methods."""
        return False

    def pieces(self, inputs: Inputs) -> Tensor:
        """Pieces ``q d`` of p items, such as patches of pictures, that :meth:`study` learns from."""
        raise NotImplementedError(f"{type(self).__name__} studies nothing")

    def study(self, pieces: Tensor) -> None:
        """Learn from the pieces ``q d`` of a corpus, in any order, what :meth:`measure` needs to know."""
        raise NotImplementedError(f"{type(self).__name__} studies nothing")

    @torch.no_grad()
    def fit(self, measured: Tensor) -> Tensor:
        """Learn what is usual from what :meth:`measure` gave for n training items, ``n w``.

        Returns:
            What it would give for them now, ``n w``.

        Raises:
            ContractError: there are none.
        """
        if len(measured) == 0:
            raise ContractError(f"{type(self).__name__} has no item to learn from; give it at least one")
        known = self.learn(measured.to(self.centre.device, torch.float32))
        self.fitted.fill_(True)
        return known

    def learn(self, measured: Tensor) -> Tensor:
        """Set the buffers from the raw numbers ``n w`` of the corpus; returns what :meth:`measure` gives now."""
        centre = measured.mean(0)
        self.centre.copy_(centre)
        scales = []
        for block in (measured - centre).split(self.blocks, dim=1):
            # Of the whole block and not of each column, or columns that hardly vary would become pure noise.
            length = block.square().sum(1).mean().sqrt()
            scales.append(1 / length if length > SMALLEST else torch.zeros_like(length))
        self.scale.copy_(self._by_column(torch.stack(scales) * self.shares))
        return measured

    @torch.no_grad()
    def weigh(self, evidence: Tensor) -> None:
        """Multiply the squared length of each block in the vector by its ``evidence``, up to a factor that all share.

        Args:
            evidence: one positive number for each block; only their ratios matter.
        """
        factors = (evidence / evidence.mean()).sqrt().to(self.shares)
        self.shares.mul_(factors)
        self.scale.mul_(self._by_column(factors))

    def parts(self, measured: Tensor) -> tuple[Tensor, ...]:
        """The blocks of raw numbers ``n w``, each centred, scaled and counting as much as it does in the vector."""
        return torch.split((measured - self.centre) * self.scale, list(self.blocks), dim=1)

    @torch.no_grad()
    def forward(self, inputs: Inputs) -> Tensor:
        """Unit vectors ``p w``; an item that is exactly the corpus' mean gives zeros."""
        return self.vectors(self.measure(inputs))

    def vectors(self, measured: Tensor) -> Tensor:
        """Unit vectors ``n w`` of raw numbers ``n w``, as :meth:`measure` gives them once the corpus is known."""
        return F.normalize((measured - self.centre) * self.scale @ self.rotation, dim=1)

    @property
    def rotation(self) -> Tensor:
        """The matrix ``w w``, made when it is first used: a run that is loaded for texts needs none for pictures."""
        if self._rotation is None or (self._rotation.device, self._rotation.dtype) != (
            self.centre.device,
            self.centre.dtype,
        ):
            self._rotation = rotation(self.width).to(self.centre)
        return self._rotation

    def _by_column(self, values: Tensor) -> Tensor:
        """One value a block, repeated over its columns."""
        return values.repeat_interleave(torch.tensor(self.blocks, device=values.device))
