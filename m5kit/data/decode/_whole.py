"""Sees by their headers whether media files were cut short, or joined: libraries read what is left, or the first."""

import mmap
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from m5kit.data.decode._ebml import declared_end
from m5kit.data.decode._flac import declared_samples, held_samples
from m5kit.data.decode._rest import check_rest, chunks, number
from m5kit.data.files import UnusableFileError

UNKNOWN = (0, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
"""Sizes in a header that say: written as a stream, the size was not known."""

ODD = 2
"""Bytes by which a chunk may be short: some writers leave out the padding of an odd one."""

TAIL = 2 * 65_307
"""The last page of an Ogg file begins within these bytes from the end: a page has at most 65,307."""

ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""The object in an ASF header (WMA, WMV) that says how large the file is."""

FLV_ABOUT = 4096
"""Bytes at the beginning of FLV in which its metadata stand."""

FLV_BEGIN = b"FLV\x01"
FLV_SIZE = b"\x00\x08filesize\x00"
"""The name of a number in them, and the sign of a number of eight bytes."""

BEGIN_OF_STREAM, END_OF_STREAM = 2, 4
"""The flags of the first and the last page of an Ogg stream."""

TTA_BEGIN = b"TTA1\x01\0"  # with its only kind of samples
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
        JoinedError: WAV, W64, RF64, AIFF, AU, FLAC, TTA, Ogg, MP4, ASF or FLV, and another file follows.
        UnusableFileError: WAV, AIFF, AU or FLAC, and its header declares fewer samples than there are.
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
    end = 8 + number(file, 4, "little")
    _expect(size, end, "the whole")
    kind = file.read(4)
    if kind != b"WAVE":
        return  # a large AVI is several such chunks
    _expect_no_other(file, end, b"RIFF")
    for name, start, length in chunks(file, 12, size, "little"):
        if name == b"data" and length not in UNKNOWN:
            _expect(size, start + length, "its samples")
            check_rest(file, start + length, length, size)


def _aiff(file: BinaryIO, size: int) -> None:
    end = 8 + number(file, 4, "big")
    _expect(size, end, "the whole")
    _expect_no_other(file, end, b"FORM")
    for name, start, length in chunks(file, 12, size, "big"):
        if name == b"SSND":
            _expect(size, start + length, "its samples")
            check_rest(file, start + length, length, size, "big")


def _flac(file: BinaryIO, size: int) -> None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(FLAC_BEGIN, 4) >= 0:
            raise JoinedError
        declared, held = declared_samples(content), held_samples(content)
        if 0 < declared < held:
            raise UnusableFileError(f"it declares {declared} samples and holds {held}; the header is wrong")


def _mp4(file: BinaryIO, size: int) -> None:
    """MP4 and MOV: boxes, each with its size and its name, of which the first is called ``ftyp``."""
    place = 0
    while place + 8 <= size:
        file.seek(place)
        length, name = number(file, 4, "big"), file.read(4)
        if name == b"ftyp" and place:
            raise JoinedError
        length = number(file, 8, "big") if length == 1 else length
        if length < 8:  # 0: to the end of the file
            return
        place += length


def _rf64(file: BinaryIO, size: int) -> None:
    """WAV of more than 4 GB: the size stands in a chunk behind the name."""
    file.seek(20)
    end = 8 + number(file, 8, "little")
    _expect(size, end, "the whole")
    _expect_no_other(file, end, b"RF64")


def _w64(file: BinaryIO, size: int) -> None:
    file.seek(16)
    end = number(file, 8, "little")
    _expect(size, end, "the whole")
    _expect_no_other(file, end, b"riff")


def _au(file: BinaryIO, size: int) -> None:
    start, length = number(file, 4, "big"), number(file, 4, "big")
    if length not in UNKNOWN:
        _expect(size, start + length, "its samples")
        _expect_no_other(file, start + length, b".snd")
        check_rest(file, start + length, length, size)


def _tta(file: BinaryIO, size: int) -> None:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(TTA_BEGIN, 4) >= 0:
            raise JoinedError


def _caf(file: BinaryIO, size: int) -> None:
    """CAF: chunks, each with a name and eight bytes of size."""
    start = 8
    while start + 12 <= size:
        file.seek(start + 4)
        length = number(file, 8, "big")
        if length in UNKNOWN:
            return
        _expect(size, start + 12 + length, "a chunk")
        start += 12 + length


def _asf(file: BinaryIO, size: int) -> None:
    header = file.read(65_536)
    place = header.find(ASF_PROPERTIES)
    if place >= 0:
        end = int.from_bytes(header[place + 40 : place + 48], "little")
        _expect(size, end, "the whole")
        _expect_no_other(file, end, b"0&\xb2u")


def _matroska(file: BinaryIO, size: int) -> None:
    end = declared_end(file)
    if end is not None:
        _expect(size, end, "the whole")


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
        end = int(whole) if 0 < whole < UNKNOWN[-1] else 0
        _expect(size, end, "the whole")
        if end:
            _expect_no_other(file, end, FLV_BEGIN)
    file.seek(max(0, size - 4))
    length = number(file, 4, "big")
    if length + 13 > size:
        raise CutShortError("it ends within a tag; it is cut short")
    file.seek(size - 4 - length + 1)
    if length and number(file, 3, "big") + 11 != length:
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


CHECKS: Mapping[bytes, Callable[[BinaryIO, int], None]] = {
    b"RIFF": _riff,
    b"RF64": _rf64,
    b"riff": _w64,
    b"FORM": _aiff,
    b"fLaC": _flac,
    b"TTA1": _tta,
    b".snd": _au,
    b"caff": _caf,
    b"0&\xb2u": _asf,
    b"OggS": _ogg,
    FLV_BEGIN: _flv,
    b"\x1aE\xdf\xa3": _matroska,
}
"""By the first four bytes of a file."""
