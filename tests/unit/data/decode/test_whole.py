"""Media that were cut short, and joined ones: a library reads what is left of them."""

import numpy as np
import pytest
import soundfile

from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.sound import SoundDecoder
from m5kit.errors import DecodeError

TONE = 0.3 * np.sin(np.arange(16_000) / 9)


def cut(path, share=0.55):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path.name


@pytest.mark.parametrize("share", [0.55, 0.97])
@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.ogg", "a.opus", "a.flac", "a.au", "a.caf", "a.w64", "a.rf64"])
def test_a_sound_without_its_end_is_refused(tmp_path, name, share):
    form = {"a.opus": {"format": "OGG", "subtype": "OPUS"}, "a.rf64": {"format": "RF64"}}.get(name, {})
    soundfile.write(tmp_path / name, TONE, 8_000, **form)
    assert abs(len(SoundDecoder()(name, tmp_path).waveform) - 16_000) < 400 or name == "a.opus"
    with pytest.raises(DecodeError):
        SoundDecoder()(cut(tmp_path / name, share), tmp_path)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4"), ("a.wmv", "wmv2")]
)
def test_a_clip_without_its_end_is_refused(write_video, tmp_path, name, codec):
    write_video(name, range(0, 800, 40), codec=codec, gop=5)
    assert len(PyAVDecoder(frames=4)(name, tmp_path)) == 4
    with pytest.raises(DecodeError):
        PyAVDecoder(frames=4)(cut(tmp_path / name), tmp_path)


@pytest.mark.parametrize("lost", [1, 4, 200, 0.03])
def test_flv_is_whole_or_refused(write_video, tmp_path, lost):
    write_video("a.flv", range(0, 800, 40), codec="flv", gop=5)
    assert len(PyAVDecoder(frames=4)("a.flv", tmp_path)) == 4
    size = (tmp_path / "a.flv").stat().st_size
    share = 1 - (lost if lost < 1 else (lost + 0.5) / size)
    with pytest.raises(DecodeError, match="cut short"):
        PyAVDecoder(frames=4)(cut(tmp_path / "a.flv", share), tmp_path)


def test_a_long_mp3_without_its_last_second_is_refused(tmp_path):
    tone = 0.3 * np.sin(np.arange(40 * 16_000) / 9)
    soundfile.write(tmp_path / "a.mp3", tone, 16_000, format="MP3", bitrate_mode="VARIABLE")
    assert len(SoundDecoder()("a.mp3", tmp_path).waveform) >= len(tone) - 3 * 1152
    with pytest.raises(DecodeError, match="cut short"):
        SoundDecoder()(cut(tmp_path / "a.mp3", 0.97), tmp_path)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.ogg", "a.flac"])
def test_joined_sounds_are_refused(tmp_path, name):
    soundfile.write(tmp_path / name, TONE, 8_000)
    once = (tmp_path / name).read_bytes()
    assert len(SoundDecoder()(name, tmp_path).waveform) == len(TONE)
    (tmp_path / name).write_bytes(once + once)
    with pytest.raises(DecodeError, match="several files are joined in it"):
        SoundDecoder()(name, tmp_path)


def test_joined_films_are_refused(write_video, tmp_path):
    write_video("a.mp4", range(0, 400, 40))
    once = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(once + once)
    with pytest.raises(DecodeError, match="several files are joined in it"):
        PyAVDecoder(frames=4)("a.mp4", tmp_path)


def test_joined_transport_streams_are_refused(write_video, tmp_path):
    write_video("a.ts", range(0, 400, 40), codec="libx264", gop=5)
    once = (tmp_path / "a.ts").read_bytes()
    (tmp_path / "b.ts").write_bytes(once + once)
    with pytest.raises(DecodeError, match="several recordings joined"):
        PyAVDecoder(frames=4)("b.ts", tmp_path)


def test_an_mp3_is_read_to_its_end_whatever_its_header_says(tmp_path):
    rate, seconds = 16_000, 3
    loud_first = np.random.default_rng(0).normal(0, 0.3, rate * seconds)
    loud_first[rate // 2 :] *= 1e-4
    soundfile.write(tmp_path / "a.mp3", loud_first, rate, format="MP3", bitrate_mode="VARIABLE")
    data = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "b.mp3").write_bytes(data.replace(b"Xing", b"\0\0\0\0").replace(b"Info", b"\0\0\0\0"))
    sound = SoundDecoder()("b.mp3", tmp_path)
    assert abs(len(sound.waveform) / sound.rate - seconds) < 0.15
    with pytest.raises(DecodeError):
        SoundDecoder()(cut(tmp_path / "a.mp3"), tmp_path)
