"""What the picture decoders share: which formats are read, the caps, and how a picture becomes upright RGB."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._stored_pixels import read_pixels
from m5kit.data.decode._told_pictures import as_told
from m5kit.data.decode._whole_pictures import require_whole
from m5kit.data.decode.base import Decoder
from m5kit.data.files import UnusableFileError, reading, unreadable
from m5kit.data.held import CHANNELS, as_array, channels_last
from m5kit.errors import DecodeError
from m5kit.ranges import Count

FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "JPEG2000", "AVIF"),
    *("PPM", "ICO", "PCX", "QOI"),
)
"""What is read, whatever a file is called. Pillow knows others, some of which start a program (EPS, Ghostscript)."""

ORIENTATION = 0x0112
"""The EXIF tag that tells how a camera was held."""


class PictureDecoder(Decoder):
    """A picture file → ``h w 3`` uint8; Pillow reads it, unless a subclass has a quicker way to the same pixels.

    Args:
        max_pixels: pictures that declare more are refused before they are unpacked.
        max_bytes: larger files are refused.
        at_least: if given, a JPEG whose both sides are at least twice this is read at 1/2, 1/4 or 1/8, never smaller
            than this.
    """

    def __init__(
        self, *, max_pixels: Count = 64_000_000, max_bytes: Count = 64 * 2**20, at_least: Count | None = None
    ) -> None:
        self.max_pixels = max_pixels
        self.max_bytes = max_bytes
        self.at_least = at_least
        self.require_library()

    def require_library(self) -> None:
        """Raise MissingDependencyError if what this decoder stands on is not there, before a run begins."""

    def __call__(self, source: Any, root: Path) -> NDArray[np.uint8]:
        """Decode to ``h w 3``.

        Raises:
            DecodeError: missing, damaged or truncated, not a picture of a known format, or over a cap.
        """
        content = self.content(source, root, self.max_bytes)
        with reading(source):
            pixels = read_pixels(content, 3, self.max_pixels)
            pixels = self.plain(content) if pixels is None else pixels
        return self._by_pillow(source, content) if pixels is None else pixels

    def _by_pillow(self, source: Any, content: bytes | memoryview) -> NDArray[np.uint8]:
        from PIL import Image, UnidentifiedImageError

        try:
            with reading(source), Image.open(io.BytesIO(content), formats=FORMATS) as image:
                if image.width * image.height > self.max_pixels:
                    raise unreadable(source, f"{image.width}x{image.height} is over max_pixels={self.max_pixels:,}")
                if self.at_least is not None:
                    image.draft(None, (self.at_least, self.at_least))  # type: ignore[arg-type]  # None keeps the mode
                pixels = self.quick(image, content)
                if pixels is not None:
                    return _turned(pixels, _turn_of(image))
                image.load()
                require_whole(image, content)
                turn, told = _turn_of(image), as_told(image, content)
                return np.array(_to_rgb(told if turn is None else told.transpose(turn)))
        except DecodeError as error:
            if isinstance(error.__cause__, UnidentifiedImageError):
                known = ", ".join(FORMATS)
                raise unreadable(source, f"it is damaged, or not a picture of a known format ({known})") from error
            raise

    def plain(self, content: bytes | memoryview) -> NDArray[np.uint8] | None:
        """The pixels ``h w 3`` of a file that needs no look at its head, as Pillow would read them; None for others."""
        return None

    def quick(self, image: Any, content: bytes | memoryview) -> NDArray[np.uint8] | None:
        """The pixels ``h w 3`` of an opened picture as Pillow would read them, not turned; None to let Pillow do it."""
        return None

    def accept(self, value: Any) -> NDArray[np.uint8]:
        """A picture of Pillow, or pixels ``h w``, ``h w c`` or ``c h w``: 8 or 16 bits, or floats from 0 to 1.

        Raises:
            DecodeError: neither of them, or over ``max_pixels``.
        """
        from PIL import Image

        with reading(type(value).__name__):
            image = value if isinstance(value, Image.Image) else _from_pixels(value)
            if not image.width * image.height:
                raise UnusableFileError(f"{image.width}x{image.height} pixels are none")
            if image.width * image.height > self.max_pixels:
                raise UnusableFileError(f"{image.width}x{image.height} is over max_pixels={self.max_pixels:,}")
            return np.array(_to_rgb(_upright(image)))


def _from_pixels(value: Any) -> Any:
    """A picture of Pillow made of an array or a tensor."""
    from PIL import Image

    pixels = as_array(value)
    if pixels is None:
        raise UnusableFileError("expected a path, the bytes of a file, a picture of Pillow, or an array of pixels")
    if pixels.ndim == 3:
        pixels = channels_last(pixels)
    if pixels.size == 0 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in CHANNELS)):
        raise UnusableFileError(f"expected pixels of shape (h, w), (h, w, 3) or (3, h, w), got {pixels.shape}")
    eight = pixels if pixels.dtype == np.uint8 else _to_8_bits(pixels)
    return Image.fromarray(np.ascontiguousarray(eight[:, :, 0] if eight.shape[2:] == (1,) else eight))


def _upright(image: Any) -> Any:
    """The picture turned as its EXIF orientation says.

    Only this one tag is read: Pillow's own ``exif_transpose`` also writes all tags anew, and fails for a sound picture
    if any other of them is malformed.
    """
    turn = _turn_of(image)
    return image if turn is None else image.transpose(turn)


def _turn_of(image: Any) -> Any:
    """The turn that the EXIF orientation of a picture asks for; None for none."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        return turns.get(image.getexif().get(ORIENTATION))
    except Exception:  # damaged EXIF raises struct.error, SyntaxError, KeyError ...; it says nothing then
        return None


def _turned(pixels: NDArray[np.uint8], turn: Any) -> NDArray[np.uint8]:
    from PIL import Image

    return pixels if turn is None else np.array(Image.fromarray(pixels).transpose(turn))


def _to_rgb(image: Any) -> Any:
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_on_white(np.asarray(image), image.info.get("transparency"))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _on_white(grey: NDArray[Any], transparent: object) -> NDArray[np.uint8]:
    """Grey of 16 bits scaled to 8; a PNG may name one of its greys as transparent, which Pillow leaves as it is."""
    scaled = _to_8_bits(grey)
    return np.where(grey == transparent, np.uint8(255), scaled) if isinstance(transparent, int) else scaled


def _to_8_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale 16-bit integers, or floats from 0 to 1, to 0..255; other ranges are not known, so refused."""
    top = 1.0 if grey.dtype.kind == "f" else 65535.0
    if not (np.isfinite(grey).all() and grey.min() >= 0 and grey.max() <= top):
        raise ValueError(
            f"{grey.dtype} pixels from {grey.min()} to {grey.max()}, expected 0 to {top:g}; save it with 8 or 16 bits"
        )
    scaled: NDArray[np.uint8] = np.rint(grey.astype(np.float32) * (255 / top)).astype(np.uint8)
    return scaled
