"""Frames that nothing refers to are passed over, and what is left is the same to the bit."""

import av
import numpy as np
import pytest
from PIL import Image

from m5kit.data.decode import _references
from m5kit.data.decode.pyav import PyAVDecoder


@pytest.mark.parametrize(
    ("codec", "name", "some"), [("libx264", "a.mp4", True), ("libx264", "a.mkv", True), ("mpeg4", "a.mp4", False)]
)
@pytest.mark.parametrize("gop", [7, 250])
def test_the_wanted_frames_are_the_same_and_fewer_packets_are_decoded(
    write_video, tmp_path, monkeypatch, codec, name, some, gop
):
    coarse = np.random.default_rng(0).integers(0, 256, (8, 24, 3), dtype=np.uint8)
    texture = np.asarray(Image.fromarray(coarse).resize((192, 64), Image.Resampling.BICUBIC))
    # it pans, so that most frames are predicted from their neighbours
    pictures = [np.ascontiguousarray(texture[:, 3 * number : 3 * number + 64]) for number in range(20)]
    clip = write_video(name, range(0, 800, 40), pictures=pictures, gop=gop, codec=codec)
    left_out = []
    tell = _references._is_unreferenced
    monkeypatch.setattr(_references, "_is_unreferenced", lambda *given: left_out.append(tell(*given)) or left_out[-1])
    found = PyAVDecoder(frames=5)(clip, tmp_path)
    assert any(left_out) == some
    with av.open(str(tmp_path / clip)) as container:
        every = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.array_equal(found, [every[number] for number in (2, 6, 10, 14, 18)])


def test_the_first_slice_decides():
    def picture(*units):
        return memoryview(b"".join(len(unit).to_bytes(4, "big") + unit for unit in units))

    delimiter, referenced, not_referenced, key = b"\x09\xf0", b"\x41abc", b"\x01abc", b"\x65abc"
    assert _references._is_unreferenced(picture(delimiter, not_referenced), 4)
    assert not _references._is_unreferenced(picture(delimiter, referenced), 4)
    assert not _references._is_unreferenced(picture(key), 4)
    assert not _references._is_unreferenced(picture(delimiter), 4)
    assert not _references._is_unreferenced(memoryview(b""), 4)
