import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from m5kit.errors import DecodeError
from m5kit.registry import DECODERS

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def pixels():
    found = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    found[:, :, 0] = np.linspace(0, 255, WIDTH)
    found[:, :, 1] = np.linspace(0, 255, HEIGHT)[:, None]
    return found


@pytest.fixture(params=["pillow", "simplejpeg"])
def decode(request, tmp_path):
    decoder = DECODERS.build({"type": request.param})

    def run(content):
        (tmp_path / "a").write_bytes(content)
        return decoder("a", tmp_path)

    return run


def encoded(pixels, kind, mode="RGB", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(rows, interlace=0):
    """A PNG in good order, whose rows are those that are given, however many it declares."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, interlace)
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def interlaced(pixels):
    from m5kit.data.decode._whole_pictures import PASSES

    for left, top, across, down in PASSES:
        yield from pixels[top::down, left::across]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_was_cut_and_given_an_end_mark_is_refused(decode, pixels, mode, progressive):
    whole = encoded(pixels, "JPEG", mode, quality=95, progressive=progressive)
    assert decode(whole).shape == (HEIGHT, WIDTH, 3)
    begin = whole.rfind(b"\xff\xda")
    with pytest.raises(DecodeError, match=r"it is cut short|file is truncated"):
        decode(whole[: begin + (len(whole) - begin) // 2] + b"\xff\xd9")


def test_a_jpeg_whose_last_pixels_are_grey_is_read(decode):
    grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    assert (decode(encoded(grey, "JPEG", quality=95)) == 128).all()


def test_a_png_with_fewer_rows_than_it_declares_is_refused(decode, pixels):
    np.testing.assert_array_equal(decode(png(pixels)), pixels)
    with pytest.raises(DecodeError, match="it is cut short"):
        decode(png(pixels[:20]))


def test_an_interlaced_png_without_its_last_passes_is_refused(decode, pixels):
    rows = list(interlaced(pixels))
    np.testing.assert_array_equal(decode(png(rows, interlace=1)), pixels)
    with pytest.raises(DecodeError, match="it is cut short"):
        decode(png(rows[: -HEIGHT // 2], interlace=1))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_a_png_whose_last_rows_are_black_is_read(decode, mode):
    black = np.zeros((HEIGHT, WIDTH), np.uint16) if mode == "I;16" else np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(black) if mode == "I;16" else Image.fromarray(black).convert(mode)
    image.save(file, "PNG")
    assert (decode(file.getvalue()) == 0).all()


def test_pcx_without_its_palette_is_refused(decode, pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).quantize(16).save(file, "PCX")
    assert decode(file.getvalue()).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(DecodeError, match="it is cut short"):
        decode(file.getvalue()[:-100])


def test_a_strip_of_jpeg_in_a_tiff_that_ends_early_is_refused(tmp_path):
    decode = DECODERS.build({"type": "pillow"})
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 255, (64, 64, 3)).astype(np.uint8))
    picture.save(tmp_path / "whole.tif", compression="jpeg", tiffinfo={278: 16})
    assert decode("whole.tif", tmp_path).shape == (64, 64, 3)
    with Image.open(tmp_path / "whole.tif") as opened:
        place, size = opened.tag_v2[273][1], opened.tag_v2[279][1]
    content = bytearray((tmp_path / "whole.tif").read_bytes())
    content[place + size // 2 : place + size // 2 + 2] = b"\xff\xd9"
    (tmp_path / "short.tif").write_bytes(content)
    with pytest.raises(DecodeError, match="it is cut short"):
        decode("short.tif", tmp_path)
