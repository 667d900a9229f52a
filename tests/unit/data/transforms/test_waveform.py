"""Sound as stretches of samples."""

import numpy as np
import pytest
import torch

from m5kit.data.decode.sound import Sound
from m5kit.data.transforms.waveform import Waveform
from m5kit.errors import ConfigError

RAMP = np.arange(100, dtype=np.float32)


def test_only_full_stretches_are_kept_from_the_beginning():
    values = Waveform(rate=100, seconds=0.5, chunk=20)(Sound(RAMP, 100)).values
    assert values.tolist() == RAMP[:40].reshape(2, 20).tolist()


def test_training_cuts_anywhere():
    transform = Waveform(rate=100, seconds=0.5, chunk=25)
    starts = {transform(Sound(RAMP, 100), np.random.default_rng(seed)).values[0, 0].item() for seed in range(8)}
    assert len(starts) > 3
    assert max(starts) <= 50


def test_a_sound_shorter_than_a_stretch_is_filled_with_silence():
    values = Waveform(rate=100, seconds=1.0, chunk=30)(Sound(RAMP[:10], 100)).values
    assert values.tolist() == [[*RAMP[:10].tolist(), *[0.0] * 20]]


@pytest.mark.parametrize("rate", [8_000, 44_100, 44_101])
def test_another_rate_keeps_the_pitch(rate):
    tone = Sound(np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32), rate)
    values = Waveform(rate=16_000, seconds=1.0, chunk=8_000)(tone).values.flatten()
    spectrum = torch.fft.rfft(values).abs()
    assert len(values) == 16_000 if rate != 44_101 else len(values) >= 8_000
    assert spectrum.argmax() * 16_000 / len(values) == pytest.approx(440, abs=2)


def test_a_stretch_longer_than_the_sound_may_be_is_refused():
    with pytest.raises(ConfigError, match=r"waveform.chunk: expected 1 to 50 samples, got 60"):
        Waveform(rate=100, seconds=0.5, chunk=60)
