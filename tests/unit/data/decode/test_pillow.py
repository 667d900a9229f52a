import re
from contextlib import suppress
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from m5kit.data.decode.pillow import PillowDecoder
from m5kit.errors import DecodeError

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


def decode(picture, tmp_path, name="a.png", **options):
    picture.save(tmp_path / name, **options)
    return PillowDecoder()(name, tmp_path)


def test_colours_come_back_as_they_were(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(decode(Image.fromarray(pixels), tmp_path), pixels)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda p: p),
        (2, lambda p: p[:, ::-1]),
        (3, lambda p: p[::-1, ::-1]),
        (4, lambda p: p[::-1]),
        (5, lambda p: p.T),
        (6, lambda p: np.rot90(p, -1)),
        (7, lambda p: p[::-1, ::-1].T),
        (8, lambda p: np.rot90(p, 1)),
    ],
)
def test_exif_orientation_is_applied(tmp_path, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(decode(Image.fromarray(RAMP), tmp_path, exif=exif)[..., 0], turn(RAMP))


@pytest.mark.parametrize("orientation", [2, 5, 6])
@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "a.avif", "a.jpg"])
def test_so_it_is_in_every_kind_of_file_that_has_it(tmp_path, name, orientation):
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:16, :32] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / name, **({"tiffinfo": exif} if name == "a.tif" else {"exif": exif}))
    seen = PillowDecoder()(name, tmp_path)
    corner = seen[:8, -8:] if orientation in (2, 6) else seen[:8, :8]
    assert seen.shape == ((32, 64, 3) if orientation == 2 else (64, 32, 3))
    assert corner.mean() > 200 > 100 > seen.mean()


def test_a_grey_of_16_bits_may_be_the_transparent_one(tmp_path):
    grey = np.array([[0, 0x1234, 0xFFFF]], np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    chunk = b"tRNS" + (0).to_bytes(2, "big")  # Pillow writes none for 16 bits
    place = content.index(b"IDAT") - 4
    named = (2).to_bytes(4, "big") + chunk + crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content[:place] + named + content[place:])
    assert PillowDecoder()("a.png", tmp_path)[0, :, 0].tolist() == [255, 18, 255]


def test_transparency_is_laid_on_white(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = 0, 128, 255
    assert decode(Image.fromarray(pixels), tmp_path)[0, :, 0].tolist() == [255, 127, 0]
    grey = np.zeros((1, 2, 2), np.uint8)
    grey[0, 1, 1] = 255
    assert decode(Image.fromarray(grey), tmp_path)[0].tolist() == [[255] * 3, [0] * 3]


def test_a_palette_with_a_transparent_colour(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    for name in ("a.png", "a.gif"):
        assert decode(picture, tmp_path, name)[0].tolist() == [[255, 0, 0], [0, 0, 255]]
        assert decode(picture, tmp_path, name, transparency=0)[0].tolist() == [[255, 255, 255], [0, 0, 255]]


def test_cmyk_and_ycbcr_become_rgb(tmp_path):
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red = decode(cmyk, tmp_path, "a.jpg")[8, 8].astype(int)
    assert np.abs(red - [255, 0, 0]).max() <= 3
    assert np.abs(decode(Image.new("RGB", (16, 16), (9, 99, 199)), tmp_path, "a.jpg")[8, 8] - [9, 99, 199.0]).max() <= 3


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    levels = np.array([[0, 257, 256 * 128, 65535]], np.uint16)
    for name in ("a.png", "a.tif"):
        assert decode(Image.fromarray(levels), tmp_path, name)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_one_bit_and_grey(tmp_path):
    bits = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    assert decode(bits, tmp_path)[0].tolist() == [[0] * 3, [255] * 3]
    assert decode(Image.fromarray(RAMP), tmp_path)[1, 2].tolist() == [120] * 3


def test_floats_from_0_to_1_are_scaled_and_others_refused(tmp_path):
    assert decode(Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)), tmp_path, "a.tif")[0, :, 0].tolist() == [
        0,
        128,
        255,
    ]
    message = "float32 pixels from 0.0 to 7.0, expected 0 to 1; save it with 8 or 16 bits"
    with pytest.raises(DecodeError, match=re.escape(message)):
        decode(Image.fromarray(np.array([[0.0, 7.0]], np.float32)), tmp_path, "a.tif")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation_gives_its_first_frame(tmp_path, name):
    frames = [Image.new("RGB", (8, 8), (0, level, 0)) for level in (200, 100, 0)]
    options = {"lossless": True} if name == "a.webp" else {}
    found = decode(frames[0], tmp_path, name, save_all=True, append_images=frames[1:], **options)
    assert found[0, 0].tolist() == [0, 200, 0]


def test_a_large_jpeg_is_read_smaller_but_never_below_what_is_asked(tmp_path):
    Image.linear_gradient("L").resize((320, 160)).save(tmp_path / "a.jpg")
    sizes = {least: PillowDecoder(at_least=least)("a.jpg", tmp_path).shape[:2] for least in (None, 40, 41, 80, 81)}
    assert sizes == {None: (160, 320), 40: (40, 80), 41: (80, 160), 80: (80, 160), 81: (160, 320)}


def test_caps(tmp_path):
    Image.new("L", (100, 50)).save(tmp_path / "a.png")
    with pytest.raises(DecodeError, match=re.escape("cannot read 'a.png': 100x50 is over max_pixels=4,999")):
        PillowDecoder(max_pixels=4_999)("a.png", tmp_path)
    with pytest.raises(DecodeError, match=r"bytes are over the cap max_bytes=10"):
        PillowDecoder(max_bytes=10)("a.png", tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    content = bytearray(b"GIF89a" + (65535).to_bytes(2, "little") * 2 + b"\0\0\0,\0\0\0\0")
    content += (65535).to_bytes(2, "little") * 2 + b"\0\x02\0;"
    (tmp_path / "a.gif").write_bytes(bytes(content))
    with pytest.raises(DecodeError, match=r"cannot read 'a\.gif': .*(DecompressionBomb|max_pixels)"):
        PillowDecoder()("a.gif", tmp_path)


def test_damaged_files_are_refused_never_half_read(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name, message in (
        ("a.jpg", "OSError: image file is truncated"),
        ("a.png", "OSError: image file is truncated"),
        ("a.webp", "OSError: could not create decoder object"),
    ):
        Image.fromarray(noise).save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(DecodeError, match=f"cannot read {name!r}: {message}"):
            PillowDecoder()(name, tmp_path)


def test_what_is_no_picture(tmp_path):
    (tmp_path / "a.jpg").write_text("words")
    message = "cannot read 'a.jpg': it is damaged, or not a picture of a known format (JPEG, "
    with pytest.raises(DecodeError, match=re.escape(message)):
        PillowDecoder()("a.jpg", tmp_path)


def test_any_damage_gives_a_picture_or_a_decode_error(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("a.jpg", "a.png", "a.gif", "a.tif", "a.bmp", "a.webp"):
        Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        for _ in range(20):
            content = np.frombuffer(whole, np.uint8).copy()
            content[generator.integers(len(content), size=8)] = generator.integers(256, size=8)
            (tmp_path / name).write_bytes(content.tobytes())
            with suppress(DecodeError):
                assert PillowDecoder()(name, tmp_path).shape[2] == 3


def test_no_format_that_starts_a_program_is_read(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was started"))
    with pytest.raises(DecodeError, match="not a picture of a known format"):
        PillowDecoder()("a.jpg", tmp_path)


def test_malformed_exif_turns_nothing(tmp_path):
    Image.new("RGB", (30, 40), (200, 100, 50)).save(tmp_path / "a.webp", exif=b"Exif\0\0II*\0\x08\0")
    assert PillowDecoder()("a.webp", tmp_path).shape == (40, 30, 3)
