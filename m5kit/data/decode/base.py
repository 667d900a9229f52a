"""The contract of a decoder: a raw reference becomes an array, or one clear error."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any


class Decoder(ABC):
    """Reads one modality of one item, and opens and closes whatever it needs within the call.

    Decoders are constructed in the main process and pickled to the workers: they hold settings, never open files.

    Attributes:
        joins: whether a source is several columns of the manifest, values by name, which the input's ``join`` lists.
    """

    joins: bool = False

    @abstractmethod
    def __call__(self, source: Any, root: Path) -> Any:
        """Decode ``source``, a value of the manifest; paths are relative to ``root``.

        Raises:
            DecodeError: the file is missing, damaged, over a cap, or holds nothing of the modality.
        """

    @classmethod
    def example(cls, folder: Path) -> tuple["Decoder", Any]:
        """An instance, and a source relative to ``folder``, written there if it is a file; m5kit.testing tries them."""
        raise NotImplementedError(f"{cls.__name__} has no example(); return (an instance, a source it can read)")
