"""What holds for all video decoders: the same frames at the same times, and one error for what cannot be read."""

import re
from contextlib import suppress

import numpy as np
import pytest

from m5kit.errors import DecodeError, MissingDependencyError
from m5kit.registry import DECODERS

STEADY = range(0, 800, 40)  # 20 frames at 25 a second
WILD = [0, 20, 40, 60, 80, 100, 1000, 1040, 1500, 1540]  # shown until 1580


@pytest.fixture(params=["pyav", "decord", "torchcodec"])
def make(request):
    def build(**arguments):
        try:
            return DECODERS.build({"type": request.param, **arguments})
        except MissingDependencyError as error:
            pytest.skip(str(error))

    return build


def test_frames_are_those_at_the_middles_of_equal_spans(make, write_video, numbers, tmp_path):
    name = write_video("a.mp4", STEADY)
    assert numbers(make(frames=4)(name, tmp_path)) == [2, 7, 12, 17]
    assert numbers(make(frames=1)(name, tmp_path)) == [10]


def test_times_decide_where_frames_are_not_evenly_spaced(make, write_video, numbers, tmp_path):
    name = write_video("vfr.mp4", WILD)
    # spans of 395 ms are seen at 197.5, 592.5, 987.5 and 1382.5 ms: frame 5 is on screen until 1000
    assert numbers(make(frames=4)(name, tmp_path)) == [5, 7]
    # spans of 1580 / 9 ms are seen at 88, 263 ... 965, 1141 ... 1492
    assert numbers(make(frames=9)(name, tmp_path)) == [4, 5, 7]


def test_frames_a_second_count_from_the_beginning(make, write_video, numbers, tmp_path):
    name = write_video("vfr.mp4", WILD)
    assert numbers(make(frames=8, fps=2)(name, tmp_path)) == [5, 7]  # 250, 750, 1250 ms
    assert numbers(make(frames=1, fps=1)(name, tmp_path)) == [5]  # 500 ms
    assert numbers(make(frames=3, fps=0.01)(name, tmp_path)) == [9]  # a clip shorter than a span gives one frame


@pytest.mark.parametrize("gop", [1, 3, 250])
def test_key_frames_change_nothing(make, write_video, numbers, tmp_path, gop):
    name = write_video("a.mp4", STEADY, gop=gop)
    assert numbers(make(frames=5)(name, tmp_path)) == [2, 6, 10, 14, 18]


def test_a_clip_with_fewer_frames_gives_those_it_has(make, write_video, numbers, tmp_path):
    assert numbers(make(frames=8)(write_video("three.mp4", [0, 40, 500]), tmp_path)) == [0, 1, 2]
    assert numbers(make(frames=8)(write_video("one.mp4", [0]), tmp_path)) == [0]


def test_other_containers_and_codecs(make, write_video, numbers, tmp_path):
    # the AVI declares a frame each millisecond and holds every fortieth of them
    for name, codec in (("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx")):
        write_video(name, STEADY, codec=codec)
        assert numbers(make(frames=4)(name, tmp_path)) == [2, 7, 12, 17], name


def test_an_avi_without_its_end_is_refused(make, write_video, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    path = tmp_path / write_video("a.avi", STEADY, codec="mpeg4", pictures=noise)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"idx1") * 2 // 3])
    with pytest.raises(DecodeError, match="it is cut short"):
        make()("a.avi", tmp_path)


def test_a_film_that_begins_late_is_whole(make, write_video, numbers, tmp_path):
    write_video("a.mkv", [5_000 + time for time in STEADY])
    assert numbers(make(frames=4)("a.mkv", tmp_path)) == [2, 7, 12, 17]


def test_colours_and_their_order(make, write_video, tmp_path):
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32] = 255, 0, 0
    picture[32:] = 0, 0, 255
    frames = make(frames=1)(write_video("a.mp4", [0], pictures=[picture]), tmp_path)
    assert frames.shape == (1, 64, 64, 3)
    assert frames.dtype == np.uint8
    assert np.abs(frames[0, 8, 8].astype(int) - [255, 0, 0]).max() <= 12
    assert np.abs(frames[0, 56, 8].astype(int) - [0, 0, 255]).max() <= 12


@pytest.mark.parametrize(
    ("matrix", "bright"),
    [
        ((1, 0, 0, 1), (0, 0)),
        ((0, 1, -1, 0), (0, 1)),  # a quarter turn clockwise takes the upper left corner to the upper right
        ((-1, 0, 0, -1), (1, 1)),
        ((0, -1, 1, 0), (1, 0)),
    ],
)
def test_a_clip_of_a_turned_phone_is_upright(make, write_video, turn_video, tmp_path, matrix, bright):
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :32] = 255
    name = turn_video(write_video("a.mp4", [0], pictures=[picture]), *matrix)
    frame = make(frames=1)(name, tmp_path)[0]
    corners = {(0, 0): frame[16, 16], (0, 1): frame[16, 48], (1, 0): frame[48, 16], (1, 1): frame[48, 48]}
    assert [corner for corner, pixel in corners.items() if pixel.mean() > 128] == [bright]


def test_caps_are_checked_before_anything_is_decoded(make, write_video, tmp_path):
    name = write_video("a.mp4", STEADY)
    with pytest.raises(DecodeError, match=re.escape("cannot read 'a.mp4': 0.8 s are over the cap max_seconds=0.5")):
        make(max_seconds=0.5)(name, tmp_path)
    with pytest.raises(DecodeError, match=re.escape("frames of 64x64 are outside 1 to max_pixels=4,000")):
        make(max_pixels=4_000)(name, tmp_path)
    with pytest.raises(DecodeError, match=r"bytes are over the cap max_bytes=1,000"):
        make(max_bytes=1_000)(name, tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_clip_is_refused(make, write_video, tmp_path, share):
    path = tmp_path / write_video("a.mp4", STEADY)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DecodeError, match=r"cannot read 'a\.mp4': InvalidDataError: Invalid data found"):
        make()("a.mp4", tmp_path)


def test_a_clip_cut_in_its_middle_is_refused_though_it_opens(make, write_video, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    write_video("a.mp4", STEADY, pictures=noise)
    path = tmp_path / "cut.mp4"
    _put_index_first(tmp_path / "a.mp4", path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(
        DecodeError, match=r"cannot read 'cut\.mp4': the file declares 20 frames and holds \d+; it is cut"
    ):
        make()("cut.mp4", tmp_path)


def test_what_is_no_film_is_refused(make, tmp_path):
    (tmp_path / "words.mp4").write_text("not a film")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "folder.mp4").mkdir()
    for name, message in (
        ("words.mp4", "InvalidDataError: Invalid data found when processing input"),
        ("empty.mp4", "the file is empty (0 bytes)"),
        ("folder.mp4", "it is not a regular file"),
        ("gone.mp4", "there is no such file"),
    ):
        with pytest.raises(DecodeError, match=re.escape(f"cannot read {name!r}: {message}")):
            make()(name, tmp_path)


def test_a_sound_is_no_video(make, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    with pytest.raises(DecodeError, match=re.escape("cannot read 'a.wav': the file has no video stream")):
        make()("a.wav", tmp_path)


def test_a_playlist_opens_nothing_else(make, write_video, tmp_path):
    write_video("a.mp4", STEADY)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.mp4\n#EXT-X-ENDLIST\n")
    with pytest.raises(DecodeError, match=r"cannot read 'list\.mp4'"):
        make()("list.mp4", tmp_path)


def test_any_damage_gives_frames_or_a_decode_error(make, write_video, tmp_path):
    path = tmp_path / write_video("a.mp4", STEADY, gop=5)
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    for _ in range(12):
        content = np.frombuffer(whole, np.uint8).copy()
        content[generator.integers(len(content), size=30)] = generator.integers(256, size=30)
        path.write_bytes(content.tobytes())
        with suppress(DecodeError):
            assert make(frames=4)("a.mp4", tmp_path).shape[-1] == 3


def _put_index_first(source, target):
    import av

    with av.open(str(source)) as whole, av.open(str(target), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)


def test_a_clip_that_takes_too_long_is_refused(make, write_video, tmp_path):
    write_video("a.mp4", range(0, 400, 40))
    with pytest.raises(DecodeError, match="decoding took longer than max_decode_seconds=1e-09"):
        make(max_decode_seconds=1e-9)("a.mp4", tmp_path)
