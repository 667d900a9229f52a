"""Opens containers of video and sound with FFmpeg: known formats and codecs only, and nothing but the one file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from m5kit.data.decode._whole import check_whole
from m5kit.data.files import UnusableFileError

DEMUXERS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "mpegts", "mpeg", "mpegvideo", "ogg", "asf", "ivf"),
    *("wav", "w64", "aiff", "flac", "mp3", "aac", "amr", "au", "caf", "ac3", "eac3", "wv", "tta", "m4v", "h264"),
    "hevc",
)
"""FFmpeg's names of the containers that are read. It knows hundreds; playlists (HLS, DASH, concat) open other files."""

VIDEO_CODECS = (
    *("h264", "hevc", "av1", "libdav1d", "libaom-av1", "vp8", "vp9", "libvpx", "libvpx-vp9", "mpeg4", "mpeg1video"),
    *("mpeg2video", "mjpeg", "h263", "h263p", "flv", "theora", "vc1", "wmv1", "wmv2", "wmv3", "msmpeg4", "msmpeg4v1"),
    *("msmpeg4v2", "prores", "dnxhd", "rawvideo", "ffv1", "huffyuv", "ffvhuff", "vp6", "vp6f", "svq3", "cinepak"),
    "png",
)
AUDIO_CODECS = (
    *("aac", "aac_latm", "mp3", "mp3float", "mp2", "mp2float", "mp1", "mp1float", "opus", "libopus", "vorbis", "flac"),
    *("libvorbis", "alac", "amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb", "ac3", "eac3", "wmav1", "wmav2"),
    *("wmalossless", "wmapro", "speex", "libspeex", "wavpack", "tta", "gsm", "gsm_ms", "libgsm", "libgsm_ms", "dca"),
)
PLAIN_AUDIO = ("pcm_", "adpcm_")
"""Beginnings of the names of codecs that only store samples."""

LISTS = ("channel", "ambisonic")
"""Words in FFmpeg's description of channels for which it has no name, such as ``stereo``."""

KEPT = 0.95
"""Share of what a container declares that must be there."""

SPARE = 0.5
"""Seconds that may be missing beyond that: headers round, and encoders leave out the last frames."""


class DamagedClipError(UnusableFileError):
    """A clip that opens, but whose contents cannot be trusted."""


class StreamFacts(NamedTuple):
    """What a file says of the stream that is read, before any of it is decoded.

    Attributes:
        number: among all streams of the file.
        videos: how many streams of the file are videos; a cover picture is none.
        sides: the width and the height of a frame in pixels, the smaller one first: a turned clip swaps them.
        palette: whether frames are numbers of colours that stand in the first packet alone.
        transparent: whether pixels say how much of them is seen.
    """

    number: int
    videos: int
    sides: tuple[int, int]
    palette: bool
    transparent: bool


class Deadline:
    """How long the decoding of one file may take.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raise DamagedClipError once the time is over; call it between frames."""
        if time.monotonic() > self._end:
            raise DamagedClipError(f"decoding took longer than max_decode_seconds={self.seconds:g}")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A PyAV container that opens nothing but this file, forgives odd metadata, and is always closed.

    Raises:
        DamagedClipError: the file is shorter than its header says, or of no format that is read.
    """
    import av

    check_whole(path)
    # What a file is called does not count: FFmpeg looks at its content, so a playlist may be called video.mp4.
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(DEMUXERS)}
    try:
        container = av.open(str(path), metadata_errors="replace", options=options)
    except av.error.ArgumentError:  # FFmpeg's "invalid argument" for a demuxer that is not on the list
        raise DamagedClipError(
            "it is damaged, or of no format that m5kit reads (MP4, MOV, MKV, WebM, AVI, FLV, MPEG, Ogg, WMV)"
        ) from None
    with container:
        yield container


def best_stream(container: Any, kind: str) -> Any:
    """FFmpeg's choice among the streams of a ``kind``, decoded by one thread (the loader's workers fill the cores).

    Raises:
        DamagedClipError: there is none, only a cover picture, or its codec is not one of those that are read.
    """
    from av.codec.context import Flags

    stream = container.streams.best(kind)
    if stream is None or is_cover(stream):
        raise DamagedClipError(f"the file has no {kind} stream")
    if stream.codec_context is None:
        raise DamagedClipError(f"this build of FFmpeg cannot decode its {kind} stream")
    codec = stream.codec_context.name
    if codec not in (*VIDEO_CODECS, *AUDIO_CODECS) and not codec.startswith(PLAIN_AUDIO):
        raise DamagedClipError(f"its {kind} codec {codec} is not one of those that m5kit reads; convert it")
    stream.codec_context.thread_count = 1
    if kind == "video":  # else FFmpeg shows columns at the left that the video hides, where that is quicker to copy
        stream.codec_context.flags |= Flags.unaligned
    else:
        _forget_own_places(stream.codec_context)
    return stream


def _forget_own_places(codec_context: Any) -> None:
    """Give a sound whose file lists a place for each channel a layout without such a list.

    PyAV 18 frees the list of the codec, and of each frame, twice, and the process dies. A name of FFmpeg's has none,
    and neither has a number of channels. What is read here frees the list once: by then the codec no longer has it.
    """
    layout = codec_context.layout
    if layout.nb_channels > 0:  # else it is known once a frame was decoded
        is_list = any(word in layout.name for word in LISTS)
        codec_context.layout = f"{layout.nb_channels} channels" if is_list else layout.name


def is_cover(stream: Any) -> bool:
    """Whether a stream of pictures is the cover of a sound or a video, and no video itself."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def stream_facts(container: Any, stream: Any) -> StreamFacts:
    """What an opened file says of a stream of pictures."""
    videos = [each for each in container.streams.video if not is_cover(each)]
    shorter, longer = sorted((stream.width, stream.height))
    format_ = stream.codec_context.format  # None where it is known only once a frame was decoded
    palette, transparent = bool(format_ and format_.has_palette), is_transparent(format_)
    return StreamFacts(stream.index, len(videos), (shorter, longer), palette, transparent)


def is_transparent(format_: Any) -> bool:
    """Whether pixels of a format have an alpha channel."""
    return format_ is not None and any(component.is_alpha for component in format_.components)


def check_reach(container: Any, reach: float) -> None:
    """Refuse a file whose packets end long before the container says that it does.

    Args:
        container: knows its duration, or does not.
        reach: seconds at which the last packet of any stream ends.

    Raises:
        DamagedClipError: it is cut short.
    """
    if not container.duration:
        return
    # Matroska counts its duration from 0, wherever its first frame stands
    start = 0.0 if "matroska" in container.format.name else (container.start_time or 0) / 1e6
    declared = container.duration / 1e6
    if reach - start < KEPT * declared - SPARE:
        raise DamagedClipError(f"it declares {declared:.2f} s and holds {reach - start:.2f} s; it is cut short")
