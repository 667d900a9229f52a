"""Tells packets of a clip that no other frame is predicted from: one is decoded only if its own frame is wanted."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from m5kit.data.decode._alpha import decoder_of

SLICES = (1, 5)
"""Types of NAL units that hold a part of a picture (ITU-T H.264, table 7-1)."""

LOOKED_AT = 16
"""NAL units in front of the first slice of a picture that are looked at; there are rarely more than three."""


def decoded(container: Any, stream: Any, wanted: Collection[int], aside: bool = False) -> Iterator[Any]:
    """The frames from where a container stands, without those that neither are wanted nor serve to decode others.

    Exact: by the standard nothing refers to what is left out. About half of the packets of common H.264 are such.

    Args:
        container: of PyAV, which may have been sought.
        stream: of the container.
        wanted: presentation times of the frames that must be there, in ticks of the stream.
        aside: whether packets hold, beside their frame, how much of it is seen.
    """
    unreferenced, decode = _unreferenced(stream.codec_context), decoder_of(stream, aside)
    for packet in container.demux(stream):
        # one without contents is the end, which makes the decoder hand out what it holds back
        if packet.size and packet.pts is not None and packet.pts not in wanted and unreferenced(packet):
            continue
        yield from decode(packet)


def _unreferenced(codec: Any) -> Callable[[Any], bool]:
    """What tells a packet that nothing refers to; for codecs that are not known here there is none."""
    header = codec.extradata
    # 1: NAL units behind their lengths, as in MP4 and Matroska; a stream with start codes begins with 0
    if codec.name != "h264" or not header or len(header) < 5 or header[0] != 1:
        return lambda packet: False
    size = (header[4] & 3) + 1
    return lambda packet: _is_unreferenced(memoryview(packet), size)


def _is_unreferenced(content: memoryview, size: int) -> bool:
    """Whether the first slice of an H.264 picture says so: two bits of its first byte, nal_ref_idc, are zero."""
    start = 0
    for _ in range(LOOKED_AT):
        if start + size >= len(content):
            return False
        length = int.from_bytes(content[start : start + size], "big")
        first = content[start + size]
        if first & 0x1F in SLICES:
            return first & 0x60 == 0
        start += size + length
    return False
