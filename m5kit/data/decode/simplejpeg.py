"""Decodes JPEG with simplejpeg: the pixels that Pillow gives, in half of the time; other formats with Pillow."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._jpeg import is_plain, jpeg_library
from m5kit.data.decode._pictures import PictureDecoder
from m5kit.registry import DECODERS

NEEDED_BY = "the decoder 'simplejpeg'"
COLOURS = ("Gray", "YCbCr", "RGB")
"""Kinds of JPEG that are read here; the others are Pillow's business."""


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
        """Pixels of a JPEG that is neither to be turned nor scaled: Pillow need not look at it."""
        if self.at_least is not None or not is_plain(content):
            return None
        library = jpeg_library(NEEDED_BY)
        try:
            height, width, colours, _ = library.decode_jpeg_header(content)
            if colours not in COLOURS or height * width > self.max_pixels:
                return None
            pixels: NDArray[np.uint8] = library.decode_jpeg(content, "RGB")
        except ValueError:  # as in quick()
            return None
        return pixels

    def quick(self, image: Any, content: bytes | memoryview) -> NDArray[np.uint8] | None:
        """Pixels of a JPEG in grey or colours; CMYK is Pillow's business."""
        if image.format != "JPEG" or image.mode not in ("RGB", "L"):
            return None
        # the size that Pillow's draft chose: the smallest scale that is not below it is the same one
        width, height = image.size
        try:
            pixels: NDArray[np.uint8] = jpeg_library(NEEDED_BY).decode_jpeg(
                content, "RGB", min_height=height, min_width=width
            )
        except ValueError:  # damaged, or of a kind that it does not know: Pillow decides, and says why
            return None
        return pixels if pixels.shape == (height, width, 3) else None

    @classmethod
    def example(cls, folder: Path) -> tuple["SimpleJpegDecoder", str]:
        """A small JPEG."""
        from PIL import Image

        Image.linear_gradient("L").resize((40, 30)).save(folder / "picture.jpg")
        return cls(), "picture.jpg"
