"""Stored spectrograms say how they were made, and are the same bytes each time."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from m5kit.data.decode._spectrogram import MelSettings, Spectrogram, load_spectrogram, pack_spectrogram
from m5kit.data.decode.sound import SoundDecoder
from m5kit.data.headers import read_header
from m5kit.data.preview import sound_picture
from m5kit.data.transforms.waveform import Waveform
from m5kit.errors import DecodeError

FOUND = Spectrogram(np.random.default_rng(0).normal(-5, 3, (101, 4)).astype(np.float32), MelSettings(8000, 4, 200, 80))


def test_it_is_read_as_it_was_stored_within_the_16_bits(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(pack_spectrogram(FOUND))
    found = SoundDecoder()("a.safetensors", tmp_path)
    assert found.settings == FOUND.settings
    assert np.abs(found.values - FOUND.values).max() < 0.005
    assert read_header("audio", "a.safetensors", tmp_path)["seconds"] == 1.0
    assert sound_picture(found).shape == (4, 101, 3)


def test_the_bytes_do_not_depend_on_the_process():
    program = (
        "import numpy as np, sys; from m5kit.data.decode._spectrogram import *;"
        "sys.stdout.buffer.write(pack_spectrogram(Spectrogram(np.ones((3, 4), np.float32), MelSettings(8, 4, 2, 1))))"
    )
    here = pack_spectrogram(Spectrogram(np.ones((3, 4), np.float32), MelSettings(8, 4, 2, 1)))
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == here


def test_another_file_is_none_of_it(tmp_path):
    (tmp_path / "a").write_bytes(b"RIFF")
    assert load_spectrogram(tmp_path / "a") is None


@pytest.mark.parametrize(
    "content",
    [
        pack_spectrogram(FOUND)[:-1],
        pack_spectrogram(FOUND).replace(b"values", b"valued"),
        pack_spectrogram(FOUND).replace(b"rate", b"rats"),
        pack_spectrogram(replace(FOUND, values=FOUND.values[:, :2])),
        pack_spectrogram(replace(FOUND, values=FOUND.values[:0])),
    ],
)
def test_a_damaged_one_is_refused(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DecodeError, match="a stored spectrogram"):
        SoundDecoder()("a", tmp_path)


def test_a_transform_of_samples_says_that_there_are_none():
    with pytest.raises(DecodeError, match="only its spectrogram was stored"):
        Waveform(rate=8000)(FOUND)
