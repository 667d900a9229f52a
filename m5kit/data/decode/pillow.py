"""Decodes a picture file with Pillow: upright, three channels of 8 bits, first frame."""

from pathlib import Path

from m5kit.data.decode._pictures import PictureDecoder
from m5kit.registry import DECODERS


@DECODERS.register_module("pillow")
class PillowDecoder(PictureDecoder):
    """JPEG, PNG, WebP, GIF, TIFF, BMP, JPEG 2000, AVIF and a few more → ``h w 3`` uint8, as a person would see it.

    EXIF rotation is applied, transparency is laid on white, 16 bits are scaled (not clipped) to 8, CMYK, palette, grey
    and 1-bit pictures become RGB, an animation gives its first frame. Colour profiles are not applied. EXIF data that
    cannot be read turn nothing: the picture itself is whole.

    Args:
        max_pixels: pictures that declare more are refused before they are unpacked.
        max_bytes: larger files are refused.
        at_least: if given, a JPEG whose both sides are at least twice this is read at 1/2, 1/4 or 1/8, never smaller
            than this; 2 to 5 times faster. Use twice the size that the transform makes to keep training quality.
    """

    @classmethod
    def example(cls, folder: Path) -> tuple["PillowDecoder", str]:
        """A small JPEG."""
        from PIL import Image

        Image.linear_gradient("L").resize((40, 30)).save(folder / "picture.jpg")
        return cls(), "picture.jpg"
