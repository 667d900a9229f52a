"""Frames that were stored as JPEG in an AVI file: what any player reads, found without one."""

import av
import numpy as np
import pytest
from PIL import Image

from m5kit.data.decode import _videos as module
from m5kit.data.decode._frames import ClipCaps
from m5kit.data.decode._stored_frames import MARK, map_stored, read_stored
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.shards._pictures import encode_jpeg, pack_frames
from m5kit.errors import DecodeError

CAPS = ClipCaps(600, 2**30, 10**6)


@pytest.fixture
def clip(tmp_path):
    draw = np.random.default_rng(0).integers(0, 256, (6, 5, 8, 3), dtype=np.uint8)
    pictures = [np.asarray(Image.fromarray(small).resize((80, 50), Image.Resampling.BICUBIC)) for small in draw]
    jpegs = [encode_jpeg(picture, 50, 90) for picture in pictures]
    path = tmp_path / "a.avi"
    path.write_bytes(pack_frames(jpegs))
    return path, pictures


def test_frames_are_the_jpeg_files_that_were_stored(clip):
    path, pictures = clip
    found = read_stored(map_stored(path), 6, None, CAPS)
    assert found.shape == (6, 50, 80, 3)
    assert np.abs(found.astype(int) - pictures).mean() < 3
    assert np.array_equal(read_stored(map_stored(path), 3, None, CAPS), found[[1, 3, 5]])
    assert np.array_equal(PyAVDecoder(frames=3)("a.avi", path.parent), found[[1, 3, 5]])


def test_a_player_reads_them_too(clip):
    path, pictures = clip
    with av.open(str(path)) as container:
        played = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.abs(np.array(played).astype(int) - pictures).mean() < 6


def test_other_files_and_damaged_ones_are_left_to_ffmpeg(clip, tmp_path, monkeypatch):
    path, _ = clip
    content = path.read_bytes()
    for other in (
        content.replace(MARK, b"other frames"),
        content[:-500],
        b"RIFF",
        b"RIFF" + bytes(40),
        b"xx",
        content[:60],
    ):
        path.write_bytes(other)
        assert read_stored(map_stored(path), 3, None, CAPS) is None
    damaged = bytearray(content)
    place = content.index(b"movi") + 12
    damaged[place : place + 40] = bytes(40)
    path.write_bytes(bytes(damaged))
    assert read_stored(map_stored(path), 6, None, CAPS) is None
    monkeypatch.setattr(module, "read_stored", lambda *given: None)
    path.write_bytes(content)
    assert PyAVDecoder(frames=3)("a.avi", tmp_path).shape == (3, 50, 80, 3)


def test_frames_over_the_cap_are_refused(clip):
    path, _ = clip
    with pytest.raises(DecodeError, match="frames of 80x50 are outside 1 to max_pixels=3,000"):
        PyAVDecoder(max_pixels=3_000)("a.avi", path.parent)
