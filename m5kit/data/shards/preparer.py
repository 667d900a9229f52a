"""The contract of what makes a stored file of a medium."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Preparer(ABC):
    """Makes the file that a modality of an item is stored as.

    Attributes:
        source: another modality whose file is read where an item has none of its own, as a clip's sound.
    """

    source: str | None = None

    name: ClassVar[str]
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}
    """By setting that is a word, which ones there are."""

    @abstractmethod
    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """The contents and the extension of the new file.

        Raises:
            DecodeError: the old one cannot be read.
        """

    @abstractmethod
    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """What the parts that read the file want and it does not have, as ``size 224``; None if it has all."""

    def settings(self) -> dict[str, Any]:
        """As ``shards.json`` keeps them."""
        return {"type": self.name, **asdict(self)}

    @classmethod
    def reading_for(cls, decoder: Any, transform: Any) -> Self | None:
        """What stores a medium as these parts read it in evaluation; None if this is not the kind for it."""
        return None
