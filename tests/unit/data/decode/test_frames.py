"""Which frames are chosen."""

import numpy as np
import pytest

from m5kit.data.decode import _frames
from m5kit.data.decode._frames import ClipCaps, ClipIndex, DamagedClipError, capped_index


def index(ticks, tick=0.001, end=None):
    ticks = np.array(ticks)
    return ClipIndex(ticks, ticks[:1], tick, True, int(ticks[-1]) + 10 if end is None else end, 0)


def test_moments_are_the_middles_of_equal_spans_of_the_time():
    assert index(range(0, 100, 10)).choose(2, None).tolist() == [2, 7]  # 25 and 75 ms
    assert index([0, 1, 2, 3, 90]).choose(2, None).tolist() == [3]  # 25 and 75 ms: both see frame 3
    assert index([0, 1, 2, 3, 60, 90]).choose(4, None).tolist() == [3, 4]  # 12.5, 37.5, 62.5, 87.5


def test_a_clip_that_starts_late_is_shown_from_its_first_frame():
    assert index(range(5000, 5100, 10)).choose(2, None).tolist() == [2, 7]


def test_a_moment_on_a_border_sees_the_later_frame_however_time_is_rounded():
    for shift in (-2e-4, 0.0, 2e-4):
        ticks = (np.arange(4) * 0.04 + shift * np.array([0, 1, 1, 1])) / 1e-5
        assert index(ticks.round().astype(int), 1e-5, 16_000).choose(2, None).tolist() == [1, 3]


def test_frames_a_second_never_look_past_the_end():
    clip = index(range(0, 1000, 100), end=1000)
    assert clip.choose(4, 2.0).tolist() == [2, 7]
    assert clip.choose(1, 2.0).tolist() == [2]
    assert clip.choose(20, 100.0).tolist() == [0, 1]


def test_no_frame_comes_twice():
    assert index([0, 500, 510], end=520).choose(8, 60.0).tolist() == [0]
    assert index(range(5)).choose(8, None).tolist() == [0, 1, 2, 3, 4]


def test_caps_name_what_they_were_given():
    caps = ClipCaps(10.0, 100, 1_000)
    caps.check_size(10, 100)
    caps.check_length(10.0)
    with pytest.raises(DamagedClipError, match="frames of 0x5 are outside 1 to max_pixels=1,000"):
        caps.check_size(0, 5)
    with pytest.raises(DamagedClipError, match=r"10\.1 s are over the cap max_seconds=10"):
        caps.check_length(10.1)


def test_the_index_of_a_clip_is_read_once_and_read_again_when_the_file_changes(write_video, tmp_path, monkeypatch):
    read, reads = _frames.read_index, []
    monkeypatch.setattr(_frames, "read_index", lambda *given: reads.append(given) or read(*given))
    caps, path = ClipCaps(10.0, 10**6, 10**6), tmp_path / write_video("video.mp4", [0, 40, 80])
    assert [len(capped_index(path, caps).ticks) for _ in range(3)] == [3, 3, 3]
    assert len(reads) == 1
    write_video("video.mp4", [0, 40, 80, 120, 160])
    assert len(capped_index(path, caps).ticks) == 5
    assert len(reads) == 2
    path.unlink()
    with pytest.raises(FileNotFoundError):
        capped_index(path, caps)
