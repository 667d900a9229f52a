"""Media that were cut short, and joined ones: a library reads what is left of them."""

import numpy as np
import pytest
import soundfile

from m5kit.data.decode._flac import declared_samples, held_samples
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


@pytest.mark.parametrize("name", ["a.au", "a.w64", "a.rf64"])
def test_further_joined_sounds_are_refused(tmp_path, name):
    soundfile.write(tmp_path / name, TONE, 8_000, **({"format": "RF64"} if name == "a.rf64" else {}))
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() * 2)
    with pytest.raises(DecodeError, match="several files are joined"):
        SoundDecoder()(name, tmp_path)


@pytest.mark.parametrize(("name", "codec"), [("a.wmv", "wmv2"), ("a.flv", "flv")])
def test_further_joined_clips_are_refused(write_video, tmp_path, name, codec):
    write_video(name, range(0, 800, 40), codec=codec, gop=5)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() * 2)
    with pytest.raises(DecodeError, match="several files are joined"):
        PyAVDecoder(frames=4)(name, tmp_path)


def declaring(content, share):
    """The WAV, whose header declares a share of the samples."""
    place = content.index(b"data") + 4
    count = int.from_bytes(content[place : place + 4], "little")
    return content[:place] + int(share * count).to_bytes(4, "little") + content[place + 4 :]


def test_a_header_that_declares_too_few_samples_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", TONE, 8_000)
    soundfile.write(tmp_path / "a.au", TONE, 8_000)
    (tmp_path / "a.wav").write_bytes(declaring((tmp_path / "a.wav").read_bytes(), 0.25))
    content = bytearray((tmp_path / "a.au").read_bytes())
    content[8:12] = (8_000).to_bytes(4, "big")
    (tmp_path / "a.au").write_bytes(content)
    for name in ("a.wav", "a.au"):
        with pytest.raises(DecodeError, match="says that its samples are 8,000 bytes, and 24,000 bytes"):
            SoundDecoder()(name, tmp_path)


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au"])
@pytest.mark.parametrize("rest", [b"ID3" + b"x" * 20_000, bytes(20_000), b"noise" * 200])
def test_tags_padding_and_a_little_noise_behind_a_sound_are_allowed(tmp_path, name, rest):
    soundfile.write(tmp_path / name, TONE, 8_000)
    with (tmp_path / name).open("ab") as file:
        file.write(rest)
    assert len(SoundDecoder()(name, tmp_path).waveform) == len(TONE)


def test_chunks_behind_the_samples_are_allowed(tmp_path):
    soundfile.write(tmp_path / "a.wav", TONE[:800], 8_000)
    content = (tmp_path / "a.wav").read_bytes() + b"bext" + (30_000).to_bytes(4, "little") + b"x" * 30_000
    (tmp_path / "a.wav").write_bytes(content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:])
    assert len(SoundDecoder()("a.wav", tmp_path).waveform) == 800


@pytest.mark.parametrize("count", [1, 100, 4096, 16_000, 70_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_flac_that_declares_too_few_samples_is_refused(tmp_path, count, channels):
    noise = np.random.default_rng(0).normal(0, 0.1, (count, channels))
    soundfile.write(tmp_path / "a.flac", noise, 8_000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    assert (declared_samples(content), held_samples(content)) == (count, count)
    assert len(SoundDecoder()("a.flac", tmp_path).waveform) == count
    if count == 1:
        return
    content[22:26] = (count // 2).to_bytes(4, "big")
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(DecodeError, match=f"it declares {count // 2} samples and holds {count}; the header is wrong"):
        SoundDecoder()("a.flac", tmp_path)
