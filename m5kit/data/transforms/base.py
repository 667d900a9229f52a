"""The contract of a transform: a decoded array becomes what an encoder reads."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from m5kit.structures import Inputs


class Transform(ABC):
    """Prepares one modality of one item. Randomness comes in as a generator; without one the result is deterministic.

    A transform that learns from the corpus (a vocabulary, the range of a number) overrides :meth:`fit`, and gives what
    it learned in :meth:`state`, plain JSON data that is stored with the run.

    Attributes:
        provided: the names that :meth:`provides` gives, so that a config can be checked before a transform is built.
            Without it, an argument that the encoder lacks is found when the model is built.
    """

    provided: ClassVar[frozenset[str] | None] = None

    @abstractmethod
    def __call__(self, decoded: Any, generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one item; ``generator`` is None outside training."""

    @abstractmethod
    def blank(self) -> Inputs:
        """Inputs made of zeros, as the paper imputes a missing modality (policy ``zero``)."""

    @abstractmethod
    def provides(self) -> Mapping[str, int]:
        """Facts about the inputs that an encoder's constructor may take by name, such as ``size`` or ``vocabulary``.

        Before :meth:`fit`, what would be learned counts with its largest size, so that a config can be checked without
        data.
        """

    def fit(self, corpus: Iterable[Any]) -> None:
        """Learn from decoded training items; called once for each run if a subclass overrides it."""

    @property
    def learns(self) -> bool:
        """Whether :meth:`fit` must see the corpus: wherever it is overridden, unless a subclass says otherwise."""
        return type(self).fit is not Transform.fit

    def state(self) -> Mapping[str, Any]:
        """What :meth:`fit` learned, as JSON data."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state` gave."""

    @classmethod
    def example(cls) -> tuple["Transform", Any]:
        """A small instance, not fitted, and a decoded value: what m5kit.testing tries the transform on."""
        raise NotImplementedError(f"{cls.__name__} has no example(); return (a small instance, a decoded value)")
