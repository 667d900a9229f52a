"""Tells by the last frame of a FLAC how many samples it holds: libraries read no more than its header declares."""

import mmap
from collections.abc import Iterator

Content = bytes | mmap.mmap

STREAM_INFO = 8
"""The byte at which the facts about the stream begin."""

LONGEST_HEADER = 16
LARGEST_FRAME = 2**24
"""Bytes; the header has three for it."""

SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608, **{code: 1 << code for code in range(8, 16)}}
"""Samples of a frame by the code in its header; 6 and 7 say that the number follows."""


def declared_samples(content: Content) -> int:
    """How many samples the header declares; 0 if it does not say."""
    return int.from_bytes(content[STREAM_INFO + 13 : STREAM_INFO + 18], "big") & (2**36 - 1)


def held_samples(content: Content) -> int:
    """How many samples there are by the end of the last frame; 0 if none is found."""
    fixed = int.from_bytes(content[STREAM_INFO : STREAM_INFO + 2], "big")
    first = _constant(content, _first_frame(content))
    for place in _sync_codes(content):
        # Eight bits of checksum alone would find a frame in the noise of one file among some hundreds.
        end = _end_of_frame(content, place, fixed) if _constant(content, place) == first else 0
        if end:
            return end
    return 0


def _first_frame(content: Content) -> int:
    """Where the first frame begins: behind the blocks of metadata, each of which says whether it is the last."""
    place, last = 4, False
    while not last and place + 4 <= len(content):
        last = bool(content[place] & 0x80)
        place += 4 + int.from_bytes(content[place + 1 : place + 4], "big")
    return place


def _constant(content: Content, place: int) -> tuple[int, ...]:
    """What all frames of a stream have in common: the way of counting, the rate and the bits of a sample."""
    header = content[place : place + 4]
    return (header[1], header[2] & 15, header[3] & 15) if len(header) == 4 else ()


def _sync_codes(content: Content) -> Iterator[int]:
    """Where frames may begin, from the last to the first that can be the last one."""
    place = len(content)
    while (place := content.rfind(b"\xff", max(0, len(content) - LARGEST_FRAME), place)) >= 0:
        if content[place + 1 : place + 2] in (b"\xf8", b"\xf9"):
            yield place


def _end_of_frame(content: Content, place: int, fixed: int) -> int:
    """The sample behind a frame; 0 if what stands there is no header of one, as its checksum tells."""
    header = bytes(content[place : place + LONGEST_HEADER])
    number, length = _coded_number(header[4:])
    code, rate = (header[2] >> 4, header[2] & 15) if len(header) > 4 else (0, 0)
    size_at = 4 + length
    wide = {6: 1, 7: 2}.get(code, 0)
    size = int.from_bytes(header[size_at : size_at + wide], "big") + 1 if wide else SIZES.get(code, 0)
    end = size_at + wide + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if not length or not size or len(header) <= end or _checksum(header[:end]) != header[end]:
        return 0
    first = number if header[1] & 1 else number * fixed
    return first + size


def _coded_number(coded: bytes) -> tuple[int, int]:
    """A number written as UTF-8 writes a letter, and its bytes; 0 bytes if it is none."""
    if not coded:
        return 0, 0
    length = 8 - (coded[0] ^ 0xFF).bit_length()
    if length == 0:
        return coded[0], 1
    if length == 1 or length > 7 or len(coded) < length:
        return 0, 0
    number = coded[0] & (0x7F >> length)
    for byte in coded[1:length]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | byte & 0x3F
    return number, length


def _checksum(header: bytes) -> int:
    found = 0
    for byte in header:
        found ^= byte
        for _ in range(8):
            found = (found << 1) ^ (0x107 if found & 0x80 else 0)
    return found
