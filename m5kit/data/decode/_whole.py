"""Sees by their headers whether media files were cut short, or joined: libraries read what is left, or the first."""

import mmap
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from m5kit.data.files import UnusableFileError

UNKNOWN = (0, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
"""Sizes in a header that say: written as a stream, the size was not known."""

ODD = 2
"""Bytes by which a chunk may be short: some writers leave out the padding of an odd one."""

TAIL = 2 * 65_307
"""The last page of an Ogg file begins within these bytes from the end: a page has at most 65,307."""

EBML, SEGMENT = 0x1A45DFA3, 0x18538067
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""The object in an ASF header (WMA, WMV) that says how large the file is."""

FLV_ABOUT = 4096
"""Bytes at the beginning of FLV in which its metadata stand."""

FLV_SIZE = b"\x00\x08filesize\x00"
"""The name of a number in them, and the sign of a number of eight bytes."""

BEGIN_OF_STREAM, END_OF_STREAM = 2, 4
"""The flags of the first and the last page of an Ogg stream."""

FLAC_BEGIN = b"fLaC\0\0\0\x22"  # with the head of the block that comes first


class CutShortError(UnusableFileError):
    """The file ends before its header says that it does."""


class JoinedError(UnusableFileError):
    """Another file begins where the first one ends."""

    def __init__(self) -> None:
        super().__init__("several files are joined in it, of which only the first would be read; take them apart")


def check_whole(path: Path) -> None:
    """Look at the header, and at where the file or its parts end; other formats pass.

    Raises:
        CutShortError: WAV, W64, RF64, AVI, AIFF, AU, CAF, ASF, Matroska, WebM, FLV or Ogg, and its end is missing.
        JoinedError: WAV, AIFF, FLAC, Ogg or MP4, and another file follows.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        name, kind = file.read(4), file.read(4)
        check = _mp4 if kind == b"ftyp" else CHECKS.get(name)
        if check is not None:
            file.seek(4)
            check(file, size)


def _riff(file: BinaryIO, size: int) -> None:
    """WAV and AVI: chunks of little-endian sizes, one after the other, in a chunk that holds all of them."""
    end = 8 + _number(file, 4, "little")
    _expect(size, end, "the whole")
    kind = file.read(4)
    if kind != b"WAVE":
        return  # a large AVI is several such chunks
    _expect_no_other(file, end, b"RIFF")
    for name, start, length in _chunks(file, 12, size, "little"):
        if name == b"data" and length not in UNKNOWN:
            _expect(size, start + length, "its samples")


def _aiff(file: BinaryIO, size: int) -> None:
    end = 8 + _number(file, 4, "big")
    _expect(size, end, "the whole")
    _expect_no_other(file, end, b"FORM")


def _flac(file: BinaryIO, size: int) -> None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(FLAC_BEGIN, 4) >= 0:
            raise JoinedError


def _mp4(file: BinaryIO, size: int) -> None:
    """MP4 and MOV: boxes, each with its size and its name, of which the first is called ``ftyp``."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        length, name = _number(file, 4, "big"), file.read(4)
        if name == b"ftyp" and place:
            raise JoinedError
        length = _number(file, 8, "big") if length == 1 else length
        if length < 8:  # 0: to the end of the file
            return
        place += length


def _rf64(file: BinaryIO, size: int) -> None:
    """WAV of more than 4 GB: the size stands in a chunk behind the name."""
    file.seek(20)
    _expect(size, 8 + _number(file, 8, "little"), "the whole")


def _w64(file: BinaryIO, size: int) -> None:
    file.seek(16)
    _expect(size, _number(file, 8, "little"), "the whole")


def _au(file: BinaryIO, size: int) -> None:
    start, length = _number(file, 4, "big"), _number(file, 4, "big")
    if length not in UNKNOWN:
        _expect(size, start + length, "its samples")


def _caf(file: BinaryIO, size: int) -> None:
    """CAF: chunks, each with a name and eight bytes of size."""
    start = 8
    while start + 12 <= size:
        file.seek(start + 4)
        length = _number(file, 8, "big")
        if length in UNKNOWN:
            return
        _expect(size, start + 12 + length, "a chunk")
        start += 12 + length


def _asf(file: BinaryIO, size: int) -> None:
    header = file.read(65_536)
    place = header.find(ASF_PROPERTIES)
    if place >= 0:
        _expect(size, int.from_bytes(header[place + 40 : place + 48], "little"), "the whole")


def _matroska(file: BinaryIO, size: int) -> None:
    """Matroska and WebM: a header element, then a segment of a size that may be unknown."""
    file.seek(0)
    header, length = _element(file)
    if header != EBML or length is None:
        return
    file.seek(length, 1)
    segment, length = _element(file)
    if segment == SEGMENT and length is not None:
        _expect(size, file.tell() + length, "the whole")


def _ogg(file: BinaryIO, size: int) -> None:
    """Ogg: the last page must be whole, and say that it is the last; no stream begins after another has ended."""
    file.seek(max(0, size - TAIL))
    tail = file.read()
    start = tail.rfind(b"OggS")
    page = tail[start:]
    if start < 0 or len(page) < 27:
        raise CutShortError("it ends within a page; it is cut short")
    segments = page[27 : 27 + page[26]]
    whole = len(segments) == page[26] and len(page) >= 27 + len(segments) + sum(segments)
    if not whole or not page[5] & END_OF_STREAM:
        raise CutShortError("its last page is not the end of a stream; it is cut short")
    place, ended = 0, False
    while place + 27 <= size:
        file.seek(place)
        page = file.read(27)
        if page[:4] != b"OggS":
            return  # damaged, as the decoder will say
        if ended and page[5] & BEGIN_OF_STREAM:
            raise JoinedError
        ended = ended or bool(page[5] & END_OF_STREAM)
        place += 27 + page[26] + sum(file.read(page[26]))


def _flv(file: BinaryIO, size: int) -> None:
    """FLV: tags, behind each of which stands how long it is, and in the first of them how long the whole is."""
    told = file.read(FLV_ABOUT).partition(FLV_SIZE)[2][:8]
    if len(told) == 8:
        whole = struct.unpack(">d", told)[0]
        _expect(size, int(whole) if 0 < whole < UNKNOWN[-1] else 0, "the whole")
    file.seek(max(0, size - 4))
    length = _number(file, 4, "big")
    if length + 13 > size:
        raise CutShortError("it ends within a tag; it is cut short")
    file.seek(size - 4 - length + 1)
    if length and _number(file, 3, "big") + 11 != length:
        raise CutShortError("it ends within a tag; it is cut short")


def _expect_no_other(file: BinaryIO, end: int, name: bytes) -> None:
    """Raise JoinedError where another file of that kind begins at the end of the first."""
    file.seek(end)
    if file.read(4) == name:
        raise JoinedError


def _expect(size: int, declared: int, what: str) -> None:
    if declared - 8 in UNKNOWN or declared in UNKNOWN:
        return
    if size + ODD < declared:
        raise CutShortError(
            f"the header says that {what} ends at byte {declared:,}, the file at {size:,}; it is cut short"
        )


def _number(file: BinaryIO, count: int, order: str) -> int:
    return int.from_bytes(file.read(count), "little" if order == "little" else "big")


def _chunks(file: BinaryIO, start: int, size: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk."""
    while start + 8 <= size:
        file.seek(start)
        name, length = file.read(4), _number(file, 4, order)
        yield name, start + 8, length
        start += 8 + length + length % 2


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


CHECKS: Mapping[bytes, Callable[[BinaryIO, int], None]] = {
    b"RIFF": _riff,
    b"RF64": _rf64,
    b"riff": _w64,
    b"FORM": _aiff,
    b"fLaC": _flac,
    b".snd": _au,
    b"caff": _caf,
    b"0&\xb2u": _asf,
    b"OggS": _ogg,
    b"FLV\x01": _flv,
    b"\x1aE\xdf\xa3": _matroska,
}
"""By the first four bytes of a file."""
