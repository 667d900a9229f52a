"""Pixels that are stored as they are: what was written is read, in place of anything else there is a message."""

import io

import numpy as np
import pytest

from m5kit.data.decode._stored_pixels import pack_pixels, read_pixels
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.simplejpeg import SimpleJpegDecoder
from m5kit.errors import DecodeError

CLIP = np.random.default_rng(0).integers(0, 256, (6, 3, 5, 8), dtype=np.uint8)


def saved(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def test_a_clip_is_read_as_it_was_stored(tmp_path):
    (tmp_path / "a.npy").write_bytes(pack_pixels(CLIP))
    assert np.array_equal(np.load(tmp_path / "a.npy"), CLIP)
    found = PyAVDecoder(frames=6)("a.npy", tmp_path)
    assert np.array_equal(found, CLIP.transpose(0, 2, 3, 1))
    assert np.array_equal(PyAVDecoder(frames=3)("a.npy", tmp_path), found[[1, 3, 5]])


def test_a_picture_is_read_as_it_was_stored(tmp_path):
    (tmp_path / "a.npy").write_bytes(pack_pixels(CLIP[0]))
    assert np.array_equal(SimpleJpegDecoder()("a.npy", tmp_path), CLIP[0].transpose(1, 2, 0))


def test_what_is_read_may_be_changed():
    content = pack_pixels(CLIP)
    read_pixels(memoryview(content), 4, 100)[:] = 0
    assert np.array_equal(read_pixels(memoryview(content), 4, 100), CLIP.transpose(0, 2, 3, 1))


def test_other_files_are_none_of_it():
    assert read_pixels(b"\xff\xd8\xff", 3, 100) is None
    assert read_pixels(b"", 3, 100) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            saved(CLIP.astype(np.float32)),
            r"expected uint8 pixels of shape \(t, 3, h, w\), got C float32 \(6, 3, 5, 8\)",
        ),
        (saved(CLIP[0]), r"got C uint8 \(3, 5, 8\)"),
        (saved(CLIP.transpose(0, 2, 3, 1).copy()), r"got C uint8 \(6, 5, 8, 3\)"),
        (saved(CLIP[:0]), r"got C uint8 \(0, 3, 5, 8\)"),
        (saved(np.asfortranarray(CLIP)), "expected uint8 pixels"),
        (pack_pixels(CLIP)[:-1], "it declares 848 bytes and has 847"),
        (pack_pixels(np.zeros((1, 3, 40, 30), np.uint8)), "30x40 is over max_pixels=1,000"),
        (b"\x93NUMPY\x03\x00" + bytes(40), "expected version 1.0"),
        (b"\x93NUMPY\x01\x00\x10\x00" + b"[" * 16, "cannot read 'a.npy'"),
        (saved(np.array([{}], dtype=object)), "cannot read 'a.npy'"),
    ],
)
def test_anything_else_in_a_numpy_file_is_refused(tmp_path, content, message):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DecodeError, match=message):
        PyAVDecoder(max_pixels=1_000)("a.npy", tmp_path)
