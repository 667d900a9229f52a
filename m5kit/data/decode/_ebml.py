"""Where the header of Matroska and WebM says that the file ends."""

from typing import BinaryIO

EBML, SEGMENT = 0x1A45DFA3, 0x18538067


def declared_end(file: BinaryIO) -> int | None:
    """The byte at which the file should end; None if its header does not say.

    Matroska is a header element, then a segment of a size that may be unknown.
    """
    file.seek(0)
    header, length = _element(file)
    if header != EBML or length is None:
        return None
    file.seek(length, 1)
    segment, length = _element(file)
    return file.tell() + length if segment == SEGMENT and length is not None else None


def _element(file: BinaryIO) -> tuple[int, int | None]:
    """The id of an EBML element and how long its content is; None if it was written as a stream."""
    name = _variable(file, keep_marker=True)
    length = _variable(file, keep_marker=False)
    return (name[0] if name else 0), (length[0] if length and not length[1] else None)


def _variable(file: BinaryIO, keep_marker: bool) -> tuple[int, bool] | None:
    """A number of EBML, whose leading zeros say how many bytes it has, and whether all of its bits are set."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    count = 8 - first[0].bit_length()
    value = int.from_bytes(first + file.read(count), "big")
    marker = 1 << (7 * (count + 1))
    unknown = value == 2 * marker - 1
    return (value if keep_marker else value & (marker - 1)), unknown
