"""What only PyAV's decoder does; what both do is in test_clips."""

import numpy as np
import pytest

from m5kit.data.decode import _alpha
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.errors import DecodeError


@pytest.mark.parametrize(
    ("matrix", "bright"), [((-1, 0, 0, 1), (0, 1)), ((1, 0, 0, -1), (1, 0)), ((0, 1, 1, 0), (0, 0))]
)
def test_a_mirrored_clip_is_turned_back(write_video, turn_video, tmp_path, matrix, bright):
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :32] = 255
    name = turn_video(write_video("a.mp4", [0], pictures=[picture]), *matrix)
    frame = PyAVDecoder(frames=1)(name, tmp_path)[0]
    assert [(i, j) for i in (0, 1) for j in (0, 1) if frame[16 + 32 * i, 16 + 32 * j].mean() > 128] == [bright]


def test_a_quarter_turn_swaps_height_and_width(tmp_path, write_video, turn_video):
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    assert PyAVDecoder()(turn_video("a.mp4", 0, 1, -1, 0), tmp_path).shape == (1, 64, 32, 3)


def test_damage_where_a_chosen_frame_lies_is_an_error(write_video, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    path = tmp_path / write_video("a.mp4", range(0, 800, 40), pictures=noise, gop=1)
    content = bytearray(path.read_bytes())
    begin = content.index(b"mdat")
    content[begin + 40_000 : begin + 60_000] = bytes(20_000)
    path.write_bytes(bytes(content))
    with pytest.raises(DecodeError, match=r"cannot read 'a\.mp4': "):
        PyAVDecoder(frames=20)("a.mp4", tmp_path)


def test_the_colours_of_a_palette_are_not_lost(palette_video, numbers, tmp_path):
    # none of the chosen frames is the first, from whose packet the palette comes
    assert numbers(PyAVDecoder(frames=5)(palette_video("a.avi", 20), tmp_path)) == [2, 6, 10, 14, 18]


@pytest.mark.parametrize("left", [4, 16])
def test_columns_that_a_video_hides_are_not_shown(write_video, tmp_path, left):
    ramp = np.broadcast_to(np.arange(0, 256, 4, dtype=np.uint8)[:, None], (64, 64, 3))
    name = write_video("a.mp4", [0], pictures=[ramp])
    cut = write_video("b.mp4", [0], pictures=[ramp], options={"x264-params": f"crop-rect={left},0,0,0"})
    assert (PyAVDecoder()(cut, tmp_path) == PyAVDecoder()(name, tmp_path)[:, :, left:]).all()


def test_what_is_transparent_is_white_as_in_a_picture(transparent_video, tmp_path):
    frames = PyAVDecoder()(transparent_video("a.mkv"), tmp_path)
    assert (frames[:, :, :32] == 255).all()
    assert (frames[:, :, 32:] == 0).all()


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_alpha_that_a_webm_keeps_aside_is_white_too_also_behind_a_seek(vpx_with_alpha, numbers, tmp_path, codec):
    name = vpx_with_alpha("a.webm", codec, count=20, gop=4)
    frames = PyAVDecoder(frames=5)(name, tmp_path)
    assert (frames[:, :, :30] > 250).all()
    assert numbers(frames[:, :, 34:]) == [2, 6, 10, 14, 18]
    assert numbers(PyAVDecoder(frames=30)(name, tmp_path)[:, :, 34:]) == list(range(20))


def test_a_build_that_cannot_read_such_alpha_shows_nothing_that_is_hidden(vpx_with_alpha, tmp_path, monkeypatch):
    name = vpx_with_alpha("a.webm", "libvpx-vp9")
    monkeypatch.setitem(_alpha.LIBRARIES, "vp9", "libvpx-vp99")
    with pytest.raises(DecodeError, match="it is VP9 with an alpha channel, which this build of FFmpeg cannot read"):
        PyAVDecoder()(name, tmp_path)


def test_alpha_aside_is_turned_as_the_file_says(vpx_with_alpha, write_video, turn_video, store_again, tmp_path):
    upright = write_video("a.mp4", [0], codec="libvpx-vp9")
    turned = turn_video(upright, 0, 1, -1, 0)  # a quarter turn clockwise takes what is on the left to the top
    name = store_again(vpx_with_alpha("a.webm", "libvpx-vp9"), "b.webm", turned, {"alpha_mode": "1"})
    frames = PyAVDecoder()(name, tmp_path)
    assert frames.shape[1:] == (64, 32, 3)
    assert (frames[:, :30] > 250).all()
    assert (frames[:, 34:] < 100).all()


@pytest.mark.parametrize("target", ["b.mov", "b.mkv"])
@pytest.mark.parametrize(
    ("matrix", "bright"),
    [
        ((0, 1, -1, 0), (0, 1)),
        ((-1, 0, 0, -1), (1, 1)),
        ((0, -1, 1, 0), (1, 0)),
        ((-1, 0, 0, 1), (0, 1)),
        ((0, -1, -1, 0), (1, 1)),
    ],
)
def test_other_containers_turn_too(write_video, turn_video, store_again, tmp_path, matrix, bright, target):
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :32] = 255
    turned = turn_video(write_video("a.mp4", [0], pictures=[picture]), *matrix)
    frame = PyAVDecoder(frames=1)(store_again(turned, target), tmp_path)[0]
    assert [(i, j) for i in (0, 1) for j in (0, 1) if frame[16 + 32 * i, 16 + 32 * j].mean() > 128] == [bright]
