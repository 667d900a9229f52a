"""VP8 and VP9 keep what is seen of a frame beside it, where FFmpeg's own decoders do not look; libvpx does."""

from collections.abc import Callable, Iterable
from typing import Any

from m5kit.data.files import UnusableFileError

LIBRARIES = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's names of the decoders that read alpha, by those of its own."""


BESIDE = "matroska_block_additional"
"""PyAV's name of what Matroska stores beside a packet."""


def may_hold_alpha(stream: Any) -> bool:
    """Whether packets of a stream may hold alpha: some programs say so of every VP8 or VP9 that they write."""
    said = {key.lower(): value for key, value in stream.metadata.items()}  # as a tag its name is in capitals
    return stream.codec_context.name in LIBRARIES and said.get("alpha_mode") == "1"


def holds_alpha(packet: Any) -> bool:
    """Whether a packet of such a stream does."""
    return bool(packet.has_sidedata(BESIDE))


def decoder_of(stream: Any, aside: bool) -> Callable[[Any], Iterable[Any]]:
    """What makes frames of the packets of a stream from here on; a new one is needed behind each seek.

    Args:
        stream: of a container of PyAV.
        aside: whether its packets hold alpha.

    Raises:
        UnusableFileError: the frames have alpha that this build of FFmpeg cannot read.
    """
    if not aside:
        return lambda packet: packet.decode()  # type: ignore[no-any-return]
    from av import CodecContext
    from av.codec.codec import UnknownCodecError

    name = LIBRARIES[stream.codec_context.name]
    try:
        codec = CodecContext.create(name, "r")
    except UnknownCodecError:
        raise UnusableFileError(
            f"it is {stream.codec_context.name.upper()} with an alpha channel, which this build of FFmpeg cannot read "
            f"(it has no {name}); convert it, or install PyAV's own wheel"
        ) from None
    codec.extradata = stream.codec_context.extradata
    codec.thread_count = 1
    decode: Callable[[Any], Iterable[Any]] = codec.decode
    return decode
