"""The contract of a decoder: a raw reference becomes an array, or one clear error."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from m5kit.data.files import check_file, find_file, reading, view_member
from m5kit.data.held import FileBytes
from m5kit.errors import DecodeError


class Decoder(ABC):
    """Reads one modality of one item, and opens and closes whatever it needs within the call.

    Decoders are constructed in the main process and pickled to the workers: they hold settings, never open files.

    Attributes:
        joins: whether a source is several columns of the manifest, values by name, which the input's ``join`` lists.
        reads_lists: whether a list is one source; otherwise one that is no list of numbers is several, read one by one.
        follow_links: whether links may lead out of the data's root; a run sets it from ``data.follow_links``.
        anywhere: whether paths may leave the root: those that a user of Python writes may, those of a data set not.
    """

    joins: bool = False
    reads_lists: bool = False
    follow_links: bool = False
    anywhere: bool = False

    @abstractmethod
    def __call__(self, source: Any, root: Path) -> Any:
        """Decode ``source``, a value of the manifest; paths are relative to ``root``.

        Raises:
            DecodeError: the file is missing, damaged, over a cap, or holds nothing of the modality.
        """

    def find(self, source: Any, root: Path, max_bytes: int) -> Path:
        """The regular file that ``source`` names below ``root``; decoders open no file that did not come from here.

        Raises:
            DecodeError: not a path, outside ``root``, missing, not a regular file, empty, or over ``max_bytes``.
        """
        if isinstance(source, FileBytes):
            return check_file(source.path, source, max_bytes)
        return find_file(source, root, max_bytes, self.follow_links, self.anywhere)

    def member(self, source: Any, root: Path, max_bytes: int) -> memoryview | None:
        """The bytes of a file that lies in a tar file, without a copy; None for any other, which has a path.

        Errors are those of :meth:`find`.
        """
        if isinstance(source, FileBytes):
            return None
        return view_member(source, root, max_bytes, self.follow_links, self.anywhere)

    def content(self, source: Any, root: Path, max_bytes: int) -> bytes | memoryview:
        """The bytes of the file that ``source`` names; errors are those of :meth:`find`."""
        member = self.member(source, root, max_bytes)
        if member is not None:
            return member
        path = self.find(source, root, max_bytes)
        with reading(source):
            return path.read_bytes()

    def accept(self, value: Any) -> Any:
        """Take ``value``, which somebody has decoded already, as what :meth:`__call__` makes of a file.

        Override it where arrays or a library's objects can stand for a file; the caps that protect memory hold too.

        Raises:
            DecodeError: it is not such a value, or over a cap.
        """
        raise DecodeError(f"expected what a manifest holds (a path, a text, a table), got {type(value).__name__}")

    @classmethod
    def example(cls, folder: Path) -> tuple["Decoder", Any]:
        """An instance, and a source relative to ``folder``, written there if it is a file; m5kit.testing tries them."""
        raise NotImplementedError(f"{cls.__name__} has no example(); return (an instance, a source it can read)")
