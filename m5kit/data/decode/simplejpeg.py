"""Decodes JPEG with simplejpeg: the pixels that Pillow gives, in half of the time; other formats with Pillow."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._jpeg import is_early_end, is_plain, jpeg_library
from m5kit.data.decode._pictures import PictureDecoder
from m5kit.data.decode._whole_pictures import CUT_SHORT
from m5kit.data.files import UnusableFileError
from m5kit.registry import DECODERS

NEEDED_BY = "the decoder 'simplejpeg'"
COLOURS = ("Gray", "YCbCr", "RGB")
"""Kinds of JPEG that are read here; the others are Pillow's business."""
SCALES = (8, 4, 2)
"""By how much a JPEG may be reduced while it is read."""


@DECODERS.register_module("simplejpeg")
class SimpleJpegDecoder(PictureDecoder):
    """The default for pictures: what ``pillow`` reads, to the same pixels, JPEG in half of the time.

    Both stand on libjpeg-turbo, but Pillow hands rows on one by one and copies them. Whatever simplejpeg finds odd in a
    JPEG is left to Pillow, so the same files are read and the same ones refused.

    Args:
        max_pixels: pictures that declare more are refused before they are unpacked.
        max_bytes: larger files are refused.
        at_least: if given, a JPEG whose both sides are at least twice this is read at 1/2, 1/4 or 1/8, never smaller
            than this; 2 to 5 times faster. Use twice the size that the transform makes to keep training quality.

    Raises:
        MissingDependencyError: simplejpeg is not installed.
    """

    def require_library(self) -> None:
        jpeg_library(NEEDED_BY)

    def plain(self, content: bytes | memoryview) -> NDArray[np.uint8] | None:
        """Pixels of a JPEG that is not to be turned: Pillow need not look at it."""
        if not is_plain(content):
            return None
        library = jpeg_library(NEEDED_BY)
        try:
            height, width, colours, _ = library.decode_jpeg_header(content)
            if colours not in COLOURS or height * width > self.max_pixels:
                return None
            return self._decode(content, *self._reduced(height, width))
        except ValueError as error:
            return self._left_to_pillow(error)

    def quick(self, image: Any, content: bytes | memoryview) -> NDArray[np.uint8] | None:
        """Pixels of a JPEG in grey or colours; CMYK is Pillow's business."""
        if image.format != "JPEG" or image.mode not in ("RGB", "L"):
            return None
        # the size that Pillow's draft chose: the smallest scale that is not below it is the same one
        width, height = image.size
        try:
            return self._decode(content, height, width)
        except ValueError as error:
            return self._left_to_pillow(error)

    @staticmethod
    def _left_to_pillow(error: ValueError) -> None:
        """A file that is damaged, or of a kind that the library does not know: Pillow decides, and says why.

        Raises:
            UnusableFileError: it ends early, which Pillow would pass over.
        """
        if is_early_end(error):
            raise UnusableFileError(CUT_SHORT) from error

    def _reduced(self, height: int, width: int) -> tuple[int, int]:
        """The height and width at which ``at_least`` lets a JPEG be read, as Pillow's draft chooses them."""
        times = 1 if self.at_least is None else min(height, width) // self.at_least
        scale = next((scale for scale in SCALES if times >= scale), 1)
        return math.ceil(height / scale), math.ceil(width / scale)

    def _decode(self, content: bytes | memoryview, height: int, width: int) -> NDArray[np.uint8] | None:
        """Pixels ``h w 3``; None if simplejpeg would read the file at another size."""
        pixels: NDArray[np.uint8] = jpeg_library(NEEDED_BY).decode_jpeg(
            content, "RGB", min_height=height, min_width=width
        )
        return pixels if pixels.shape == (height, width, 3) else None

    @classmethod
    def example(cls, folder: Path) -> tuple["SimpleJpegDecoder", str]:
        """A small JPEG."""
        from PIL import Image

        Image.linear_gradient("L").resize((40, 30)).save(folder / "picture.jpg")
        return cls(), "picture.jpg"
