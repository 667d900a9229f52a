"""JPEG by simplejpeg: Pillow's pixels and Pillow's refusals, without Pillow's decoding."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageFile

from m5kit.data.decode.pillow import PillowDecoder
from m5kit.data.decode.simplejpeg import SimpleJpegDecoder
from m5kit.errors import DecodeError, MissingDependencyError


def picture(width, height):
    coarse = np.random.default_rng(width).integers(0, 256, (height // 7 + 2, width // 7 + 2, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def outcome(decoder, root):
    try:
        return decoder("a.jpg", root).tobytes()
    except DecodeError as error:
        return str(error)


@pytest.mark.parametrize("size", [(160, 120), (17, 33), (1, 1), (133, 71)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{"subsampling": 0}, {"subsampling": 2}, {"progressive": True}])
def test_pixels_are_those_of_pillow_at_every_scale(tmp_path, size, mode, options):
    picture(*size).convert(mode).save(tmp_path / "a.jpg", quality=88, **options)
    for at_least in (None, 60, 30, 15):
        one, other = (kind(at_least=at_least)("a.jpg", tmp_path) for kind in (PillowDecoder, SimpleJpegDecoder))
        assert one.shape == other.shape
        assert np.array_equal(one, other)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture(30, 20).save(tmp_path / "a.jpg", exif=exif)
    assert np.array_equal(SimpleJpegDecoder()("a.jpg", tmp_path), PillowDecoder()("a.jpg", tmp_path))


def test_pillow_decodes_no_plain_jpeg(tmp_path, monkeypatch):
    picture(40, 30).save(tmp_path / "a.jpg")
    picture(40, 30).save(tmp_path / "a.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: pytest.fail("Pillow was asked for the pixels"))
    assert SimpleJpegDecoder()("a.jpg", tmp_path).shape == (30, 40, 3)
    with pytest.raises(pytest.fail.Exception):
        SimpleJpegDecoder()("a.png", tmp_path)


def test_pillow_does_not_even_look_at_a_jpeg_that_says_nothing_else(tmp_path, monkeypatch):
    picture(40, 30).save(tmp_path / "a.jpg", icc_profile=bytes(100_000))
    picture(40, 30).save(tmp_path / "b.jpg", exif=Image.Exif().tobytes() or b"Exif\0\0")
    monkeypatch.setattr(Image, "open", lambda *given, **more: pytest.fail("Pillow was asked"))
    assert SimpleJpegDecoder()("a.jpg", tmp_path).shape == (30, 40, 3)
    assert SimpleJpegDecoder(at_least=8)("a.jpg", tmp_path).shape == (15, 20, 3)
    with pytest.raises(pytest.fail.Exception):
        SimpleJpegDecoder()("b.jpg", tmp_path)


def test_a_word_on_how_to_turn_it_is_found_behind_a_long_profile(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = io.BytesIO()
    picture(40, 30).save(content, "JPEG", icc_profile=bytes(200_000))
    turned = io.BytesIO()
    picture(40, 30).save(turned, "JPEG", exif=exif)
    segment = turned.getvalue()[turned.getvalue().index(b"\xff\xe1") :]
    segment = segment[: 2 + int.from_bytes(segment[2:4], "big")]
    place = content.getvalue().rindex(b"\xff\xdb")
    (tmp_path / "a.jpg").write_bytes(content.getvalue()[:place] + segment + content.getvalue()[place:])
    assert SimpleJpegDecoder()("a.jpg", tmp_path).shape == (40, 30, 3)


def test_damaged_files_are_read_or_refused_as_pillow_does(tmp_path):
    written = io.BytesIO()
    picture(160, 120).save(written, "JPEG")
    whole, random = written.getvalue(), np.random.default_rng(0)
    variants = [whole[:cut] for cut in (0, 2, 200, len(whole) // 2, len(whole) - 40, len(whole) - 2)]
    for _ in range(40):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            damaged[place] ^= 0x55
        variants.append(bytes(damaged))
    read = 0
    for content in variants:
        (tmp_path / "a.jpg").write_bytes(content)
        one, other = (outcome(kind(), tmp_path) for kind in (PillowDecoder, SimpleJpegDecoder))
        assert one == other
        read += isinstance(one, bytes)
    assert 0 < read < len(variants)


def test_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    with pytest.raises(MissingDependencyError, match=r"m5kit\[simplejpeg\]"):
        SimpleJpegDecoder()
