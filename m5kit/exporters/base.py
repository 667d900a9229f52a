"""The contract of an exporter: it writes embeddings for another program to read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from m5kit.errors import DataError
from m5kit.evaluation.base import Embedded
from m5kit.evaluation.precision import Precision


class Exporter(ABC):
    """Writes a table of embeddings, ids and labels; ``m5kit embed`` makes the table and the folder.

    Constructors are keyword-only, with a default for every argument; ``m5kit embed --with NAME=VALUE`` sets one. An
    exporter that is registered under its suffix, without the dot, is chosen by the suffix of the file.

    Attributes:
        suffix: of its files, such as ``.parquet``.
        precisions: of the numbers that it can write; ``Embedded.precision`` says which one is wanted.
    """

    suffix: ClassVar[str]
    precisions: ClassVar[Sequence[Precision]] = ("float32",)

    def check(self, path: Path) -> None:
        """Check, before hours of work, that :meth:`write` can succeed; subclasses may check more than the suffix.

        Raises:
            DataError: the file has another suffix.
            MissingDependencyError: a library that it needs is not installed.
        """
        if path.suffix != self.suffix:
            raise DataError(f"this exporter writes files that end in {self.suffix}, not {path.name!r}; rename it")

    @abstractmethod
    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Write ``path``, which :meth:`check` has accepted; an existing file is replaced.

        Returns:
            Every file that was written, ``path`` first.

        Raises:
            DataError: these embeddings cannot be written in this format.
        """
