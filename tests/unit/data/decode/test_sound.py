import re
import struct
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
import soundfile

from m5kit.data.decode.sound import SoundDecoder
from m5kit.errors import DecodeError

TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8_000) / 16_000)


def peak(sound):
    """The strongest frequency in Hz."""
    return np.abs(np.fft.rfft(sound.waveform)).argmax() * sound.rate / len(sound.waveform)


@pytest.mark.parametrize(
    ("name", "subtype", "error"),
    [
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "PCM_U8", 1e-2),
        ("a.wav", "DOUBLE", 1e-6),
        ("a.flac", "PCM_16", 1e-4),
        ("a.aiff", "PCM_16", 1e-4),
    ],
)
def test_samples_come_back_from_minus_one_to_one(tmp_path, name, subtype, error):
    soundfile.write(tmp_path / name, TONE, 16_000, subtype=subtype)
    sound = SoundDecoder()(name, tmp_path)
    assert sound.rate == 16_000
    assert sound.waveform.dtype == np.float32
    assert np.abs(sound.waveform - TONE).max() < error


@pytest.mark.parametrize(("name", "subtype"), [("a.ogg", "VORBIS"), ("a.mp3", "MPEG_LAYER_III")])
def test_compressed_sound_keeps_its_tone(tmp_path, name, subtype):
    soundfile.write(tmp_path / name, TONE, 16_000, subtype=subtype)
    sound = SoundDecoder()(name, tmp_path)
    assert abs(peak(sound) - 440) < 3
    assert abs(len(sound.waveform) - 8_000) <= 1_152


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([TONE, np.zeros(8_000)], 1), 16_000, subtype="FLOAT")
    assert np.abs(SoundDecoder()("a.wav", tmp_path).waveform - TONE / 2).max() < 1e-6


def test_the_content_decides_not_the_extension(tmp_path):
    soundfile.write(tmp_path / "a.flac", TONE, 16_000)
    (tmp_path / "a.flac").rename(tmp_path / "a.mp3")
    assert len(SoundDecoder()("a.mp3", tmp_path).waveform) == 8_000


def test_the_track_inside_a_clip(write_video, tmp_path):
    name = write_video("a.mp4", range(0, 500, 40), sound=TONE)
    sound = SoundDecoder()(name, tmp_path)
    assert sound.rate == 16_000
    assert abs(peak(sound) - 440) < 3
    assert 8_000 <= len(sound.waveform) <= 8_000 + 2 * 1_024
    assert abs(np.abs(sound.waveform[2_000:6_000]).max() - 0.5) < 0.05


def test_a_silent_film_has_no_sound(write_video, tmp_path):
    with pytest.raises(DecodeError, match=re.escape("cannot read 'a.mp4': the file has no audio stream")):
        SoundDecoder()(write_video("a.mp4", [0, 40]), tmp_path)


def test_caps(write_video, tmp_path):
    soundfile.write(tmp_path / "a.wav", TONE, 16_000)
    write_video("a.mp4", [0, 40], sound=TONE)
    with pytest.raises(DecodeError, match=re.escape("cannot read 'a.wav': 0.5 s are over the cap max_seconds=0.4")):
        SoundDecoder(max_seconds=0.4)("a.wav", tmp_path)
    with pytest.raises(DecodeError, match=r"cannot read 'a\.mp4': 0\.\d s are over the cap max_seconds=0\.4"):
        SoundDecoder(max_seconds=0.4)("a.mp4", tmp_path)
    with pytest.raises(DecodeError, match=re.escape("16,044 bytes are over the cap max_bytes=16,000")):
        SoundDecoder(max_bytes=16_000)("a.wav", tmp_path)


def test_what_holds_no_sound(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.0, np.nan]), 16_000, subtype="FLOAT")
    (tmp_path / "words.wav").write_text("words")
    (tmp_path / "empty.wav").touch()
    for name, message in (
        ("none.wav", "it holds no samples"),
        ("nan.wav", "some of its samples are not numbers"),
        ("words.wav", "InvalidDataError: Invalid data found when processing input"),
        ("empty.wav", "the file is empty (0 bytes)"),
        ("gone.wav", "there is no such file"),
    ):
        with pytest.raises(DecodeError, match=re.escape(f"cannot read {name!r}: {message}")):
            SoundDecoder()(name, tmp_path)


def test_an_absurd_rate_is_a_damaged_header(tmp_path):
    soundfile.write(tmp_path / "a.wav", TONE, 100)
    with pytest.raises(DecodeError, match="100 samples a second are outside 1000 to 768000"):
        SoundDecoder()("a.wav", tmp_path)


def test_a_truncated_file_is_refused(tmp_path):
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000)
    for name in ("a.flac", "a.m4a"):
        path = tmp_path / name
        _write(path, noise)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(DecodeError, match=f"cannot read {name!r}: "):
            SoundDecoder()(name, tmp_path)


def test_any_damage_gives_a_sound_or_a_decode_error(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("a.wav", "a.flac", "a.ogg", "a.mp3", "a.m4a"):
        _write(tmp_path / name, TONE)
        whole = (tmp_path / name).read_bytes()
        for _ in range(12):
            content = np.frombuffer(whole, np.uint8).copy()
            content[generator.integers(len(content), size=20)] = generator.integers(256, size=20)
            (tmp_path / name).write_bytes(content.tobytes())
            with suppress(DecodeError):
                assert np.isfinite(SoundDecoder()(name, tmp_path).waveform).all()


def _write(path, wave):
    if path.suffix != ".m4a":
        soundfile.write(path, wave, 16_000)
        return
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize("level", [1e30, np.inf, np.nan])
def test_samples_that_overflow_a_spectrogram_are_refused(tmp_path, level):
    soundfile.write(tmp_path / "a.wav", np.full(2_000, level, np.float32), 8_000, subtype="FLOAT")
    with pytest.raises(DecodeError, match="not numbers, or over"):
        SoundDecoder()("a.wav", tmp_path)


def test_samples_are_capped_whatever_the_rate(tmp_path):
    soundfile.write(tmp_path / "a.flac", TONE, 16_000)
    with pytest.raises(DecodeError, match="8,000 samples are over the cap max_samples=7,999"):
        SoundDecoder(max_samples=7_999)("a.flac", tmp_path)


def write_channels(path, layout, channels):
    """A MOV of as many channels, of which each is louder than the one before."""
    import av

    wave = np.sin(np.arange(4096) / 5)[:, None] * np.arange(1, channels + 1) / channels
    samples = (wave * 8_000).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return samples.mean(1) / 2**15


IN_ITS_OWN_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from m5kit.data.decode.sound import SoundDecoder

np.save("waveform.npy", SoundDecoder()(sys.argv[1], Path.cwd()).waveform)
"""


def decode_elsewhere(name, folder):
    """Decode in a process that may die."""
    done = subprocess.run([sys.executable, "-c", IN_ITS_OWN_PROCESS, name], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "waveform.npy")


def test_eight_channels_in_a_container_do_not_end_the_process(tmp_path):
    said = write_channels(tmp_path / "a.mov", "7.1", 8)
    np.testing.assert_allclose(decode_elsewhere("a.mov", tmp_path), said, atol=1e-6)


def test_channels_in_an_order_of_their_own_do_not_end_the_process(tmp_path):
    said = write_channels(tmp_path / "a.mov", "3.0", 3)
    content = (tmp_path / "a.mov").read_bytes()
    place = content.index(b"chan") + 8
    in_order, centre_first = (struct.pack(">I", tag << 16 | 3) for tag in (113, 114))
    assert content[place : place + 4] == in_order
    (tmp_path / "a.mov").write_bytes(content[:place] + centre_first + content[place + 4 :])
    np.testing.assert_allclose(decode_elsewhere("a.mov", tmp_path), said, atol=1e-6)
