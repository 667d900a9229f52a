"""What only decord's decoder does; what both do is in test_clips."""

import sys

import numpy as np
import pytest

from m5kit.data.decode.decord import DecordDecoder
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.errors import DecodeError, MissingDependencyError


def test_a_mirrored_clip_is_refused(write_video, turn_video, tmp_path):
    name = turn_video(write_video("a.mp4", [0, 40]), -1, 0, 0, 1)
    with pytest.raises(DecodeError, match="decord turns a mirrored clip the wrong way; use the decoder 'pyav'"):
        DecordDecoder()(name, tmp_path)


@pytest.mark.parametrize("matrix", [(0, 1, -1, 0), (-1, 0, 0, -1)])
def test_a_turned_matroska_file_is_refused(turn_video, store_again, tmp_path, matrix):
    import av

    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32] = 255
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode())
    name = store_again(turn_video("a.mp4", *matrix), "a.mkv")
    with pytest.raises(DecodeError, match="decord gives other pixels than 'pyav'; use that"):
        DecordDecoder()(name, tmp_path)


def test_what_decord_says_is_told_without_times_and_places(write_video, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    path = tmp_path / write_video("a.mp4", range(0, 800, 40), pictures=noise, gop=1)
    content = bytearray(path.read_bytes())
    end = content.index(b"moov")
    content[end - 20_000 : end - 5_000] = bytes(15_000)
    path.write_bytes(bytes(content))
    with pytest.raises(DecodeError, match=r"^cannot read 'a\.mp4': decord says: (?!.*\d\d:\d\d:\d\d)(?!.*\.cc:)"):
        DecordDecoder(frames=20)("a.mp4", tmp_path)


def test_frames_it_counts_differently_are_refused(write_video, tmp_path, monkeypatch):
    import decord

    monkeypatch.setattr(decord.VideoReader, "__len__", lambda reader: 7)
    with pytest.raises(DecodeError, match="decord counts 7 frames where 2 are shown; use the decoder 'pyav'"):
        DecordDecoder()(write_video("a.mp4", [0, 40]), tmp_path)


def test_rows_that_it_lays_out_wrongly_are_refused(write_video, tmp_path):
    name = write_video("a.mp4", [0, 40], size=48)  # it gives 48 x 48 x 4
    with pytest.raises(DecodeError, match=r"decord gives frames of shape \(48, 48, 4\) where sides have 48 and 48"):
        DecordDecoder()(name, tmp_path)


def test_columns_that_a_video_hides_are_not_shown(write_video, tmp_path):
    ramp = np.broadcast_to(np.arange(0, 256, 4, dtype=np.uint8)[:, None], (64, 64, 3))
    hidden = write_video("a.mp4", [0], pictures=[ramp], options={"x264-params": "crop-rect=8,0,0,0"})
    with pytest.raises(DecodeError, match="decord gives other pixels than 'pyav'; use that"):
        DecordDecoder()(hidden, tmp_path)


def test_it_does_not_choose_among_several_videos(write_videos, tmp_path):
    both = write_videos("a.mkv", 64, 32)
    assert PyAVDecoder()(both, tmp_path).shape == (2, 64, 64, 3)
    with pytest.raises(DecodeError, match="decord may read another of its videos than 'pyav'; use the decoder 'pyav'"):
        DecordDecoder()(both, tmp_path)


def test_the_colours_of_a_palette_are_not_lost(palette_video, tmp_path):
    with pytest.raises(DecodeError, match="decord loses the palette of this clip, and all is black"):
        DecordDecoder()(palette_video("a.avi", 20), tmp_path)


def test_pixels_are_those_of_pyav(write_video, tmp_path):
    ramp = np.zeros((6, 64, 64, 3), np.uint8)
    ramp[..., 0] = np.arange(0, 256, 4)[:, None]
    ramp[..., 1] = np.arange(0, 256, 4)
    name = write_video("a.mp4", [0, 10, 20, 500, 510, 900], pictures=ramp)
    ours, theirs = (decoder(frames=4)(name, tmp_path).astype(int) for decoder in (PyAVDecoder, DecordDecoder))
    assert np.abs(ours - theirs).max() <= 3


def test_without_the_library_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "decord", None)
    with pytest.raises(MissingDependencyError, match="the decoder 'decord' needs the library 'decord'"):
        DecordDecoder()
