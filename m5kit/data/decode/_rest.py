"""Sees whether a sound holds more samples than its header declares: libraries read no further than that."""

from collections.abc import Iterator
from typing import BinaryIO

from m5kit.data.files import UnusableFileError

TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
"""How tags begin that programs put behind a file, and that belong to no chunk of it."""

SHARE, LEAST = 10, 4096
"""What follows the samples and is no chunk is refused if it is a tenth of them, and so many bytes."""

PIECE = 2**20


def check_rest(file: BinaryIO, end: int, samples: int, size: int, order: str = "little") -> None:
    """Look at what follows the samples, and is neither a chunk, nor a tag, nor empty.

    Args:
        file: opened.
        end: the byte behind the last sample, as the header has it.
        samples: bytes of them, as the header has it.
        size: of the file, in bytes.
        order: of the bytes of a number, ``little`` or ``big``.

    Raises:
        UnusableFileError: there is much of it: the header says too little, and most of the sound would be lost.
    """
    place = end + end % 2
    for name, start, length in chunks(file, place, size, order):
        if not name.isascii() or not name.decode().isprintable() or start + length > size + 1:
            break
        place = start + length + length % 2
    rest = size - place
    if rest >= LEAST and rest * SHARE >= samples and not _is_padding(file, place):
        raise UnusableFileError(
            f"the header says that its samples are {samples:,} bytes, and {rest:,} bytes that are no other part "
            "follow; the header is wrong"
        )


def _is_padding(file: BinaryIO, place: int) -> bool:
    file.seek(place)
    piece = file.read(PIECE)
    if piece.startswith(TAGS):
        return True
    while piece and not any(piece):
        piece = file.read(PIECE)
    return not piece


def chunks(file: BinaryIO, start: int, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk."""
    while start + 8 <= size:
        file.seek(start)
        name, length = file.read(4), number(file, 4, order)
        yield name, start + 8, length
        start += 8 + length + length % 2


def number(file: BinaryIO, count: int, order: str) -> int:
    """The next bytes as a number without a sign."""
    return int.from_bytes(file.read(count), "little" if order == "little" else "big")
