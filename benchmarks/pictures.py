"""How fast a picture becomes what an encoder reads, against Pillow: a JPEG of 800 pixels to 224 x 224.

Pillow decodes and resizes with its bicubic filter. Against it: m5kit's default (`simplejpeg`, then the transform
`image`, whose filter is bilinear), and the same decoder with torch's bicubic filter. Each result is first compared with
Pillow's own by the same filter, in decibels of the peak (PSNR); below 60 the program stops. Three pictures,
product-like on a white ground, differ in their texture, and so in the share of the time that Huffman decoding takes.

Run: python benchmarks/pictures.py [--rounds 15]
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _arguments import at_least
from _measure import compare
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate

from m5kit.data.decode.simplejpeg import SimpleJpegDecoder
from m5kit.data.transforms.image import ImageTransform

SIDE, SIZE, TEXTURES = 800, 224, (0, 4, 12)
Pixels = NDArray[np.uint8]
CALLS = 20
"""Pictures in a block."""


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=at_least(1), default=15)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    decoder, transform = SimpleJpegDecoder(), ImageTransform(size=SIZE)
    for texture in TEXTURES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.jpg"
            product(texture).save(path, quality=88)
            bicubic, bilinear = by_pillow(path, Image.Resampling.BICUBIC), by_pillow(path, Image.Resampling.BILINEAR)

            def default(root: Path = path.parent) -> Pixels:
                return transform(decoder("a.jpg", root)).values.permute(1, 2, 0).numpy()

            def with_bicubic(root: Path = path.parent) -> Pixels:
                return resized(decoder("a.jpg", root))

            print(f"{path.stat().st_size // 1024} KiB")
            for name, ours, same in (("default", default, bilinear), ("bicubic", with_bicubic, bicubic)):
                near = decibels(ours(), same())
                if near < 60:
                    raise SystemExit(f"{name}: {near:.0f} dB are another picture than Pillow's")
                ratio = compare(repeated(bicubic), repeated(ours), rounds)
                print(f"  {name}: {1 / ratio.value:.2f} times as fast (noise {ratio.noise:.0%}), {near:.0f} dB")


def by_pillow(path: Path, filter: Image.Resampling) -> Callable[[], Pixels]:  # noqa: A002
    """Pillow's way from the file to the small picture."""
    return lambda: np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE), filter))


def resized(pixels: Pixels) -> Pixels:
    """By torch's bicubic filter, in bytes."""
    batch = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    small: Pixels = interpolate(batch, (SIZE, SIZE), mode="bicubic", antialias=True)[0].permute(1, 2, 0).numpy()
    return small


def repeated(action: Callable[[], object]) -> Callable[[], None]:
    """Enough of the same for a clock."""

    def block() -> None:
        for _ in range(CALLS):
            action()

    return block


def decibels(one: Pixels, other: Pixels) -> float:
    """How near two pictures are: the peak over the root of their mean squared difference."""
    error = np.mean((one.astype(float) - other) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def product(texture: float) -> Image.Image:
    """Coloured shapes with noise of a standard deviation, on a white ground."""
    draw = np.random.default_rng(0)
    coarse = Image.fromarray(draw.integers(0, 256, (40, 40, 3), dtype=np.uint8))
    shapes = np.asarray(coarse.resize((560, 560), Image.Resampling.BICUBIC)) + draw.normal(0, texture, (560, 560, 3))
    pixels = np.full((SIDE, SIDE, 3), 255.0)
    pixels[120:680, 120:680] = shapes.clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


if __name__ == "__main__":
    main()
