"""What the video decoders share: the index of a clip, and the choice of its moments."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._alpha import holds_alpha, may_hold_alpha
from m5kit.data.decode._container import (
    DamagedClipError,
    StreamFacts,
    best_stream,
    check_reach,
    opened,
    stream_facts,
)
from m5kit.data.files import UnusableFileError
from m5kit.data.held import as_array, channels_last
from m5kit.data.tars.members import MemberFile

TIE = 3e-4  # seconds; a moment on the border of two frames must not depend on how a container rounds time
KEPT = 0.95  # share of the declared frames that must be there
INDEXES = 2048  # clips whose index a process remembers, so that a later epoch opens each of them once, not twice


@dataclass(frozen=True, slots=True)
class ClipCaps:
    """The largest clip that is read."""

    seconds: float
    bytes: int
    pixels: int

    def check_size(self, width: int, height: int) -> None:
        """Raise DamagedClipError for frames of no size or over the cap."""
        if not 0 < width * height <= self.pixels:
            raise DamagedClipError(f"frames of {width}x{height} are outside 1 to max_pixels={self.pixels:,}")

    def check_length(self, seconds: float) -> None:
        """Raise DamagedClipError for a clip over the cap."""
        if seconds > self.seconds:
            raise DamagedClipError(f"{seconds:.1f} s are over the cap max_seconds={self.seconds:g}")


@dataclass(frozen=True, slots=True)
class ClipIndex:
    """The frames of one clip, read from its packets without decoding any.

    Attributes:
        ticks: presentation times in ``tick`` seconds, ascending; frame numbers where the file stores no times.
        keys: the ticks from which decoding can start, ascending.
        tick: seconds a tick.
        timed: whether ``ticks`` are stored times.
        end: the tick at which the last frame's display ends.
        discarded: how many further packets an edit list hides.
        stream: that was read; None for frames that come from no file.
        aside: whether packets hold, beside their frame, how much of it is seen; see :mod:`._alpha`.
    """

    ticks: NDArray[np.int64]
    keys: NDArray[np.int64]
    tick: float
    timed: bool
    end: int
    discarded: int
    stream: StreamFacts | None = None
    aside: bool = False

    @property
    def seconds(self) -> float:
        """How long the clip is shown."""
        return float(self.end - self.ticks[0]) * self.tick

    def choose(self, frames: int, fps: float | None) -> NDArray[np.int64]:
        """Numbers (ascending, no duplicates, at most ``frames``) of the frames on screen at evenly spaced moments.

        The clip is cut into equal spans, each seen at its middle: ``frames`` spans over the whole clip or, with
        ``fps``, spans of 1/fps seconds from the beginning. A clip with no more than ``frames`` frames gives them all.
        """
        if fps is None and len(self.ticks) <= frames:
            return np.arange(len(self.ticks))
        span = self.seconds / frames if fps is None else 1 / fps
        moments = (np.arange(frames) + 0.5) * span
        # at least one: a clip shorter than half a span still shows its first frame
        moments = moments[moments < max(self.seconds, moments[0] + TIE)]
        shown = (self.ticks - self.ticks[0]) * self.tick
        return np.unique(np.searchsorted(shown, moments + TIE, side="right") - 1)


def capped_index(path: Path, caps: ClipCaps) -> ClipIndex:
    """The index of the video in ``path``, if it is within ``caps``.

    Raises:
        DamagedClipError: no video, cut short, or over a cap.
    """
    about = path.stat()
    # The path of a copy out of a tar file is another one each time, and to remember it would keep the copy.
    read = _remembered_index.__wrapped__ if isinstance(path, MemberFile) else _remembered_index
    index: ClipIndex = read(path, about.st_mtime_ns, about.st_size, caps)
    caps.check_length(index.seconds)
    return index


@lru_cache(INDEXES)
def _remembered_index(path: Path, changed: int, size: int, caps: ClipCaps) -> ClipIndex:
    """The index of this very content of the file: ``changed`` and ``size`` are what tells a new one."""
    with opened(path) as container:
        stream = best_stream(container, "video")
        caps.check_size(stream.width, stream.height)
        return replace(read_index(container, stream), stream=stream_facts(container, stream))


def read_index(container: Any, stream: Any) -> ClipIndex:
    """Read the index of ``stream``; the container is at its end afterwards, so open another to decode.

    Raises:
        DamagedClipError: there are no frames, or far fewer than the file declares.
    """
    packets = _read_packets(container, stream)
    if not packets or not _is_whole(container, stream, packets):
        raise DamagedClipError(f"the file declares {stream.frames} frames and holds {len(packets)}; it is cut short")
    shown = [packet for packet in packets if not packet.discarded] or packets
    if any(packet.tick is None for packet in packets):
        return _untimed_index(stream, len(shown))
    # packets stand in the order of decoding; frames that are predicted from later ones come after these
    ticks = np.array(sorted({packet.tick for packet in shown}))
    if len(ticks) < KEPT * len(shown):
        # Two recordings in one file, each counted from its own beginning: half of the frames would never be seen.
        raise DamagedClipError(
            f"{len(shown)} frames have {len(ticks)} different times; it is several recordings joined without new times"
        )
    keys = np.array(sorted(packet.tick for packet in packets if packet.key) or ticks[:1])
    # Some containers store no durations; a last frame then counts as long as the usual one.
    length = max(shown)[1] or (int(np.median(np.diff(ticks))) if len(ticks) > 1 else 1)
    end, aside = int(ticks[-1]) + length, any(packet.aside for packet in packets)
    return ClipIndex(ticks, keys, float(stream.time_base), True, end, len(packets) - len(shown), aside=aside)


class _Packet(NamedTuple):
    tick: int  # None where the container stores no presentation times
    duration: int
    key: bool
    discarded: bool
    aside: bool


def _read_packets(container: Any, stream: Any) -> list[_Packet]:
    """What the file stores of ``stream``, in its order, nothing decoded.

    Raises:
        DamagedClipError: the container says that it is longer than what it holds.
    """
    packets = []
    reach, may_be_aside = 0.0, may_hold_alpha(stream)
    for packet in container.demux():
        if not packet.size:
            continue
        if packet.pts is not None:
            reach = max(reach, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream.index == stream.index:
            flags = packet.is_keyframe, packet.is_discard, may_be_aside and holds_alpha(packet)
            packets.append(_Packet(packet.pts, packet.duration or 0, *flags))
    check_reach(container, reach)
    return packets


def _is_whole(container: Any, stream: Any, packets: list[_Packet]) -> bool:
    if len(packets) >= KEPT * stream.frames:
        return True
    # An AVI also declares the repeats of a frame, which are no packets; there, the time must be covered.
    ticks = [packet.tick for packet in packets if packet.tick is not None]
    reach = max(ticks) - min(ticks) + max(packets[-1].duration, 1) if ticks else 0
    return bool(container.format.name == "avi" and reach >= KEPT * (stream.duration or stream.frames))


def _untimed_index(stream: Any, count: int) -> ClipIndex:
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise DamagedClipError("the file stores neither times nor a frame rate")
    return ClipIndex(np.arange(count), np.zeros(1, np.int64), float(1 / rate), False, count, 0)


def accept_frames(value: Any, frames: int, fps: float | None, caps: ClipCaps) -> NDArray[np.uint8]:
    """The chosen ones of frames ``t h w 3`` uint8 (or ``t 3 h w``), or of a pair (frames, frames a second).

    Raises:
        UnusableFileError: something else, over a cap, or without a rate where ``fps`` needs one.
    """
    rate = None
    if isinstance(value, tuple) and len(value) == 2:
        value, rate = value
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not rate > 0:
            raise UnusableFileError(f"expected a pair (frames, frames a second), got {rate!r} as the rate")
    pixels = as_array(value)
    if pixels is None:
        raise UnusableFileError("expected a path, the bytes of a file, or an array of frames")
    pixels = channels_last(pixels) if pixels.ndim == 4 else pixels
    if pixels.ndim != 4 or pixels.size == 0 or pixels.shape[3] != 3 or pixels.dtype != np.uint8:
        raise UnusableFileError(f"expected uint8 frames of shape (t, h, w, 3), got {pixels.dtype} {pixels.shape}")
    if rate is None and fps is not None:
        raise UnusableFileError(f"the run takes {fps:g} frames a second; give a pair (frames, frames a second)")
    caps.check_size(pixels.shape[2], pixels.shape[1])
    ticks = np.arange(len(pixels))
    index = ClipIndex(ticks, ticks, 1 / float(rate or 1), True, len(pixels), 0)
    if rate is not None:
        caps.check_length(index.seconds)
    return np.ascontiguousarray(pixels[index.choose(frames, fps)])
