"""Pictures and clips: smaller ones as JPEG, or the pixels that a model reads."""

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._stored_frames import MARK
from m5kit.data.decode._stored_pixels import pack_pixels
from m5kit.data.decode.base import Decoder
from m5kit.data.shards.preparer import Preparer
from m5kit.data.transforms._pixels import Framing, as_channels


@dataclass(frozen=True)
class Jpeg(Preparer):
    """A picture as JPEG.

    Attributes:
        size: the shorter side in pixels; smaller pictures keep theirs.
        quality: of JPEG, 1 to 95.
        fit: ``whole``, or ``crop`` for the square in the middle, as inputs with ``fit: crop`` read it.
    """

    size: int = 256
    quality: int = 90
    fit: str = "whole"

    name = "jpeg"
    choices = {"fit": ("whole", "crop")}

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """Decoded, turned upright, resized."""
        from m5kit.data.decode.simplejpeg import SimpleJpegDecoder

        # read at up to a half of its size where it is larger than twice what is wanted: much faster, hardly visible
        decoder = SimpleJpegDecoder(at_least=2 * self.size)
        decoder.follow_links = follow_links
        return encode_jpeg(decoder(reference, root), self.size, self.quality, self.fit), "jpg"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """Larger pictures, or another part of them."""
        return _other_size(self.size, self.fit, transform)


@dataclass(frozen=True)
class Frames(Preparer):
    """Frames of a clip, evenly spaced in time, as JPEG in an AVI file that any player opens; without sound.

    Attributes:
        frames: at most so many.
        size: the shorter side in pixels; smaller frames keep theirs.
        quality: of JPEG, 1 to 95.
        fit: ``whole``, or ``crop`` for the square in the middle, as inputs with ``fit: crop`` read it.
    """

    frames: int = 8
    size: int = 224
    quality: int = 80
    fit: str = "whole"

    name = "frames"
    choices = {"fit": ("whole", "crop")}

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """The frames that a run would decode."""
        from m5kit.data.decode.pyav import PyAVDecoder

        decoder = PyAVDecoder(frames=self.frames)
        decoder.follow_links = follow_links
        clip = decoder(reference, root)
        return pack_frames([encode_jpeg(frame, self.size, self.quality, self.fit) for frame in clip]), "avi"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """More frames, larger ones, another part of them, or frames by the second."""
        return _other_frames(self.frames, decoder, transform) or _other_size(self.size, self.fit, transform)


@dataclass(frozen=True)
class Pixels(Preparer):
    """The square of pixels that evaluation reads, of a picture or of frames of a clip, in a numpy file.

    Nothing is decoded when it is read, and evaluation gives the same metric values as from the medium, to the bit.
    Training augments what is in the square.

    Attributes:
        size: side of the square.
        frames: of a clip, at most so many, evenly spaced in time; 0 for a picture.
        fit: how the medium fits into the square: ``crop``, ``pad`` or ``stretch``, as inputs have it.
    """

    size: int = 224
    frames: int = 0
    fit: str = "crop"

    name = "pixels"
    choices = {"fit": ("crop", "pad", "stretch")}

    def __call__(self, reference: Any, root: Path, follow_links: bool) -> tuple[bytes, str]:
        """Decoded and framed as a run would in evaluation."""
        decoder = self._decoder()
        decoder.follow_links = follow_links
        decoded = decoder(reference, root)
        framing = Framing(self.size, self.fit, (1.0, 1.0), 0.0)
        framed = framing(as_channels(decoded if self.frames else decoded[None]), None).numpy()
        return pack_pixels(framed if self.frames else framed[0]), "npy"

    def shortfall(self, decoder: Any, transform: Any) -> str | None:
        """More frames, larger squares, another fit, or frames by the second."""
        return _other_frames(self.frames, decoder, transform) or _other_size(self.size, self.fit, transform)

    @classmethod
    def reading_for(cls, decoder: Any, transform: Any) -> Self | None:
        """For whatever is made a square of pixels."""
        framing = getattr(transform, "framing", None)
        if framing is None or getattr(decoder, "fps", None) is not None:
            return None
        return cls(size=framing.size, frames=getattr(decoder, "frames", 0), fit=framing.fit)

    def _decoder(self) -> Decoder:
        from m5kit.data.decode.pyav import PyAVDecoder
        from m5kit.data.decode.simplejpeg import SimpleJpegDecoder

        return PyAVDecoder(frames=self.frames) if self.frames else SimpleJpegDecoder()


def _other_frames(stored: int, decoder: Any, transform: Any) -> str | None:
    """Which frames are wanted and not there."""
    if getattr(decoder, "fps", None) is not None:
        return f"fps {decoder.fps:g}"
    frames = min(getattr(decoder, "frames", 0), transform.provides().get("frames", stored + 1))
    return f"frames {frames}" if frames > stored else None


def _other_size(stored: int, fit: str, transform: Any) -> str | None:
    """Which size is wanted and not there, or which part of the picture."""
    wanted = transform.provides().get("size", 0)
    if wanted > stored:
        return f"size {wanted}"
    other = getattr(getattr(transform, "framing", None), "fit", fit)
    return f"fit {other}" if fit not in ("whole", other) else None


def encode_jpeg(pixels: NDArray[np.uint8], size: int, quality: int, fit: str = "whole") -> bytes:
    """Pixels ``h w 3``, or the square in their middle, as a JPEG whose shorter side is at most ``size``."""
    from PIL import Image

    picture = Image.fromarray(_middle(pixels) if fit == "crop" else pixels)
    shorter = min(picture.size)
    if shorter > size:
        width, height = (max(1, round(side * size / shorter)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=quality)
    return content.getvalue()


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def pack_frames(frames: list[bytes]) -> bytes:
    """JPEG files of one size as the frames of an AVI file, one a second; nothing is encoded again."""
    import av
    from PIL import Image

    content = io.BytesIO()
    # bitexact: without the date and the version of the writer
    with av.open(content, "w", format="avi", options={"fflags": "+bitexact"}) as container:
        container.metadata["comment"] = MARK.decode()  # by which decoders know that every frame is a whole JPEG file
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height = Image.open(io.BytesIO(frames[0])).size
        stream.pix_fmt = "yuvj420p"
        for number, frame in enumerate(frames):
            packet = av.Packet(frame)
            packet.stream, packet.time_base = stream, Fraction(1)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return content.getvalue()
