"""Checks that another library reads what PyAV would: each has videos that it gets wrong."""

from typing import Any

from m5kit.data.decode._container import DamagedClipError
from m5kit.data.decode._frames import ClipIndex

INSTEAD = "use the decoder 'pyav'"


def check_video(library: str, index: ClipIndex, counted: int) -> None:
    """Refuse a clip of which a library counts other frames, or whose colours it loses.

    Args:
        library: its name.
        index: of the clip.
        counted: how many frames the library finds.

    Raises:
        DamagedClipError: it would give other frames than PyAV.
    """
    if index.discarded or counted != len(index.ticks):
        raise DamagedClipError(f"{library} counts {counted} frames where {len(index.ticks)} are shown; {INSTEAD}")
    if index.stream is not None and index.stream.palette:
        raise DamagedClipError(f"{library} loses the palette of this clip, and all is black; {INSTEAD}")
    if index.aside or (index.stream is not None and index.stream.transparent):
        raise DamagedClipError(f"{library} shows what is transparent in this clip; {INSTEAD}")


def check_frame(library: str, index: ClipIndex, frame: Any) -> None:
    """Refuse a frame ``h w c`` that is not of the clip's size, turned or not, or has no three channels.

    Raises:
        DamagedClipError: the library read another stream, laid rows out wrongly, or shows what the clip hides.
    """
    if index.stream is None:
        return
    height, width, channels = frame.shape
    shorter, longer = sorted((height, width))
    if channels != 3 or (shorter, longer) != index.stream.sides:
        sides = " and ".join(map(str, index.stream.sides))
        shape = tuple(frame.shape)
        raise DamagedClipError(f"{library} gives frames of shape {shape} where sides have {sides} pixels; {INSTEAD}")
