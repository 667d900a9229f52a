"""What torchcodec's decoders do; what all video decoders do is in test_clips."""

import sys

import numpy as np
import pytest
import soundfile

from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.sound import SoundDecoder
from m5kit.data.decode.torchcodec import TorchCodecDecoder
from m5kit.data.decode.torchcodec_sound import TorchCodecSoundDecoder
from m5kit.errors import DecodeError, MissingDependencyError


@pytest.fixture
def frames():
    try:
        return TorchCodecDecoder(frames=4)
    except MissingDependencyError as error:
        pytest.skip(str(error))


def test_pixels_are_those_of_pyav(frames, write_video, tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    name = write_video("a.mp4", range(0, 800, 40), pictures=pictures, gop=5)
    assert np.abs(frames(name, tmp_path).astype(int) - PyAVDecoder(frames=4)(name, tmp_path)).max() <= 1


def test_a_turned_clip_is_upright(frames, write_video, turn_video, tmp_path):
    ramp = np.zeros((4, 32, 64, 3), np.uint8)
    ramp[..., :] = np.arange(0, 256, 4)[:, None]
    name = turn_video(write_video("a.mp4", range(0, 160, 40), pictures=ramp), 0, 1, -1, 0)
    ours, theirs = PyAVDecoder(frames=4)(name, tmp_path), frames(name, tmp_path)
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).max() <= 3


@pytest.mark.parametrize("name", ["a.mp3", "a.flac"])
def test_samples_are_those_of_the_default(frames, name, tmp_path):
    wave = np.random.default_rng(0).normal(0, 0.1, (22_050, 2))
    soundfile.write(tmp_path / name, wave, 22_050)
    one, other = SoundDecoder()(name, tmp_path), TorchCodecSoundDecoder()(name, tmp_path)
    assert one.rate == other.rate
    np.testing.assert_allclose(one.waveform, other.waveform, atol=1e-5)
    with pytest.raises(DecodeError, match="over the cap max_seconds"):
        TorchCodecSoundDecoder(max_seconds=0.5)(name, tmp_path)


@pytest.mark.parametrize("kind", [TorchCodecDecoder, TorchCodecSoundDecoder])
def test_without_the_library_the_message_says_what_to_install(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    with pytest.raises(
        MissingDependencyError, match=r"FFmpeg's shared libraries on the system, needs .* m5kit\[torchcodec\]|FFmpeg"
    ):
        kind()
