"""Reads how long an MP3 says that it is; most say it in their first frame, others nowhere."""

from pathlib import Path

HEAD = 4096
"""Bytes in which the first frame must begin after the tags."""

PER_FRAME = {3: 1152, 2: 576, 0: 576}
"""Samples of a layer III frame by MPEG version (1, 2, 2.5), as the header codes it."""

HAS_COUNT = 1
"""The flag of a Xing header that says that it counts the frames."""


def declared_frames(path: Path) -> int | None:
    """Samples of one channel as the Xing or Info header counts them; None for another format, or without a header."""
    with path.open("rb") as file:
        start = file.read(10)
        # Pictures and titles stand before the sound, in a tag whose size is written in 7 bits a byte.
        file.seek(10 + _tag_size(start[6:10]) if start[:3] == b"ID3" else 0)
        head = file.read(HEAD)
    frame = _first_frame(head)
    if frame is None:
        return None
    version = head[frame + 1] >> 3 & 3
    for name in (b"Xing", b"Info"):
        place = head.find(name, frame, frame + 64)
        if place >= 0 and int.from_bytes(head[place + 4 : place + 8], "big") & HAS_COUNT:
            return int.from_bytes(head[place + 8 : place + 12], "big") * PER_FRAME.get(version, 1152)
    return None


def _first_frame(head: bytes) -> int | None:
    """Where the eleven bits begin that every frame of layer III begins with."""
    for place in range(len(head) - 4):
        synchronised = head[place] == 0xFF and head[place + 1] & 0xE0 == 0xE0
        if synchronised and head[place + 1] >> 1 & 3 == 1:
            return place
    return None


def _tag_size(code: bytes) -> int:
    size = 0
    for byte in code:
        size = size << 7 | byte & 0x7F
    return size
