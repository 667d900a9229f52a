"""Corrects what Pillow takes from a picture otherwise than the file says it, and refuses what it reads wrongly."""

from typing import Any

import numpy as np

from m5kit.data.files import UnusableFileError

Content = bytes | memoryview

BITS, COMPRESSION, PHOTOMETRIC, PLANES = 258, 259, 262, 284
"""Tags of TIFF: bits of a sample, how strips are packed, what a sample means, and whether colours lie apart."""

NOT_PACKED = 1
WHITE_IS_ZERO = 0
APART = 2

STEPS = {2: 85, 4: 17}
"""By bits of a grey of PNG: what Pillow multiplies a grey by, so that the largest one is 255."""


def as_told(image: Any, content: Content) -> Any:
    """The picture that a loaded file tells: Pillow does not shift, turn or scale some greys as it should.

    Args:
        image: loaded; its ``info`` may be changed.
        content: of the file.

    Raises:
        UnusableFileError: Pillow has mixed up the colours of it.
    """
    if image.format == "PNG":
        _scale_transparent_grey(image, content)
    return _as_tiff_tells(image) if image.format == "TIFF" else image


def _scale_transparent_grey(image: Any, content: Content) -> None:
    """Pillow spreads greys of 2 and 4 bits to 8, but not the one that a PNG names as transparent."""
    bits, transparent = content[24], image.info.get("transparency")
    if bits in STEPS and image.mode == "L" and isinstance(transparent, int):
        image.info["transparency"] = transparent * STEPS[bits]


def _as_tiff_tells(image: Any) -> Any:
    from PIL import Image

    tags = image.tag_v2
    bits = set(tags.get(BITS, (1,)))
    if tags.get(PLANES) == APART and (
        image.mode in ("LA", "PA") or (tags.get(COMPRESSION) == NOT_PACKED and bits != {8})
    ):
        raise UnusableFileError(
            f"its colours lie apart, {max(bits)} bits each, which Pillow mixes up; "
            "save it with the colours of a pixel together"
        )
    if not image.mode.startswith(("I", "F")):
        return image
    grey = np.asarray(image)
    if bits == {12}:
        grey = np.rint(grey.astype(np.float32) * (65535 / 4095)).astype(np.uint16)
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow turns those of up to 8 bits only
        grey = (1 if grey.dtype.kind == "f" else 65535) - grey
    return Image.fromarray(grey)
