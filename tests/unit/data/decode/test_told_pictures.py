import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from m5kit.data.decode.pillow import PillowDecoder
from m5kit.errors import DecodeError

WIDTH, HEIGHT = 4, 3
GREY = np.linspace(0, 255, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint8)


def tiff(pixels, *, bits, means, apart=False, packed=False, extra=None):
    """A TIFF of the bytes of its samples: one plane after the other if they lie apart."""
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    planes = np.moveaxis(pixels, 2, 0) if apart else [pixels]
    strips = [zlib.compress(plane.tobytes()) if packed else plane.tobytes() for plane in planes]
    numbers = {256: [WIDTH], 257: [HEIGHT], 258: [bits] * samples, 259: [8 if packed else 1], 262: [means]}
    numbers |= {273: [0] * len(strips), 277: [samples], 278: [HEIGHT], 279: [len(strip) for strip in strips]}
    numbers |= {284: [2 if apart else 1]} | ({338: [extra]} if extra else {})
    if pixels.dtype.kind == "f":
        numbers[339] = [3] * samples
    behind = 8 + 2 + 12 * len(numbers) + 4
    begins = behind + sum(4 * len(values) for values in numbers.values() if len(values) > 1)
    numbers[273] = [begins + sum(numbers[279][:each]) for each in range(len(strips))]
    entries, far = b"", b""
    for tag, values in sorted(numbers.items()):
        raw = struct.pack(f"<{len(values)}I", *values)
        entries += struct.pack("<HHI", tag, 4, len(values)) + (raw if len(values) == 1 else struct.pack("<I", behind))
        far, behind = (far, behind) if len(values) == 1 else (far + raw, behind + len(raw))
    head = b"II*\0" + struct.pack("<IH", 8, len(numbers))
    return head + entries + bytes(4) + far + b"".join(strips)


def grey_png(pixels, bits, transparent):
    """A grey PNG of few bits, of which one grey is transparent."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    places = np.unpackbits(pixels[..., None], axis=2)[..., 8 - bits :].reshape(len(pixels), -1)
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(places, axis=1))
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], bits, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"tRNS", struct.pack(">H", transparent)) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b"")


def decode(content, tmp_path):
    (tmp_path / "a").write_bytes(content)
    return PillowDecoder()("a", tmp_path)


@pytest.mark.parametrize(
    "samples", [GREY, GREY.astype("<u2") * 257, GREY.astype("<f4") / 255], ids=["8 bits", "16 bits", "floats"]
)
def test_a_tiff_whose_zero_is_white_is_turned_whatever_its_bits(tmp_path, samples):
    bits = samples.itemsize * 8
    assert np.array_equal(decode(tiff(samples, bits=bits, means=1), tmp_path)[..., 0], GREY)
    assert np.array_equal(decode(tiff(samples, bits=bits, means=0), tmp_path)[..., 0], 255 - GREY)


def test_grey_of_12_bits_is_as_light_as_it_says(tmp_path):
    wide = np.rint(GREY.astype(float) * (4095 / 255)).astype(np.uint16)
    places = np.unpackbits(wide.astype(">u2").view(np.uint8).reshape(HEIGHT, WIDTH, 2), axis=2)[..., 4:]
    rows = np.packbits(places.reshape(HEIGHT, -1), axis=1)
    assert np.array_equal(decode(tiff(rows, bits=12, means=1), tmp_path)[..., 0], GREY)


def test_colours_that_lie_apart_are_read_or_refused_and_never_mixed_up(tmp_path):
    colours = np.dstack([GREY, 255 - GREY, GREY // 2])
    wide = colours.astype("<u2") * 257
    for samples, bits, packed in ((colours, 8, False), (colours, 8, True), (wide, 16, True)):
        content = tiff(samples, bits=bits, means=2, apart=True, packed=packed)
        assert np.array_equal(decode(content, tmp_path), colours)
    with pytest.raises(DecodeError, match="colours lie apart, 16 bits each"):
        decode(tiff(wide, bits=16, means=2, apart=True), tmp_path)
    with pytest.raises(DecodeError, match="colours lie apart"):
        decode(tiff(colours[..., :2], bits=8, means=1, apart=True, packed=True, extra=2), tmp_path)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_grey_of_few_bits_may_be_the_transparent_one(tmp_path, bits):
    top = 2**bits - 1
    greys = np.array([[0, 1, top]], np.uint8)
    seen = decode(grey_png(greys, bits, transparent=1), tmp_path)[0, :, 0]
    assert seen.tolist() == [0, 255, 255]


def test_a_turned_tiff_of_16_bits_is_upright(tmp_path):
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "a.tif", tiffinfo={0x0112: 6})
    assert np.array_equal(PillowDecoder()("a.tif", tmp_path)[..., 0], np.rot90(GREY, -1))
