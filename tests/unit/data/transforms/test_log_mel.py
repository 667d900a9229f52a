import pickle

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from m5kit.data.decode.sound import Sound
from m5kit.data.transforms._augment_sound import SoundAugmentation
from m5kit.data.transforms.log_mel import LogMelTransform
from m5kit.errors import ConfigError, DecodeError

PLAIN = SoundAugmentation(augment="none")
NOISE = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)


def hertz(mel):
    return 700 * (10 ** (mel / 2595) - 1)


def by_numpy(wave, rate, mels, window, hop, size):
    """The log-mel of the books: Hann windows, power, triangles on the HTK mel scale, logarithm, standardised."""
    edge = size // 2
    padded = np.pad(wave.astype(np.float64), edge, mode="reflect")
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    left = (size - window) // 2
    shape = np.zeros(size)
    shape[left : left + window] = hann
    count = 1 + (len(padded) - size) // hop
    power = np.stack([np.abs(np.fft.rfft(shape * padded[i * hop : i * hop + size])) ** 2 for i in range(count)])
    points = hertz(np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), mels + 2))
    bins = np.linspace(0, rate / 2, size // 2 + 1)
    rising = (bins[:, None] - points[:-2]) / np.diff(points)[:-1]
    falling = (points[2:] - bins[:, None]) / np.diff(points)[1:]
    logarithm = np.log(power @ np.clip(np.minimum(rising, falling), 0, None) + 1e-6)
    return (logarithm - logarithm.mean()) / logarithm.std()


def test_cepstra_are_the_mfcc_of_the_books():
    """Against torchaudio's own, up to the logarithm's unit and mean and deviation of each coefficient."""
    from torchaudio.transforms import MFCC

    made = LogMelTransform(seconds=0.5, rate=16_000, mels=40, cepstra=13, window=0.064, hop=0.016)
    values = made(Sound(NOISE, 16_000)).values
    books = MFCC(16_000, 13, log_mels=True, melkwargs={"n_fft": 1024, "hop_length": 256, "n_mels": 40})
    expected = books(torch.from_numpy(NOISE)).T
    expected = (expected - expected.mean(0)) / expected.std(0, correction=0)
    assert_close(values, expected, atol=1e-3, rtol=0)
    assert made.provides() == {"mels": 13, "steps": 32}
    assert made.blank().values.shape == (32, 13)
    with pytest.raises(ConfigError, match="expected 1 to 40 cepstra, as many as mels, got 41"):
        LogMelTransform(seconds=0.5, mels=40, cepstra=41)


def test_it_is_the_log_mel_of_the_books():
    values = LogMelTransform(seconds=0.5, rate=16_000, mels=32)(Sound(NOISE, 16_000)).values
    expected = by_numpy(NOISE, 16_000, 32, 400, 160, 512)
    assert_close(values.double(), torch.from_numpy(expected), atol=1e-3, rtol=0)


def test_time_runs_along_the_first_axis_and_bands_rise_with_frequency():
    time = np.arange(8_000) / 16_000
    wave = np.where(time < 0.25, np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 5_000 * time)).astype(np.float32)
    values = LogMelTransform(seconds=0.5, mels=40)(Sound(wave, 16_000)).values
    low, high = values[10].argmax().item(), values[40].argmax().item()
    assert abs(low - 40 * 402 / 2840) < 2  # 300 Hz is 402 mel, 8 kHz is 2840
    assert abs(high - 40 * 2364 / 2840) < 2


def test_how_loud_a_sound_is_does_not_matter():
    transform = LogMelTransform(seconds=0.5, mels=16)
    soft, loud = (transform(Sound(NOISE * gain, 16_000)).values for gain in (1.0, 4.0))
    assert_close(soft, loud, atol=1e-2, rtol=0)
    assert abs(soft.mean().item()) < 1e-5
    assert abs(soft.std(correction=0).item() - 1) < 1e-3


def test_another_rate_is_resampled():
    fast = np.sin(2 * np.pi * 700 * np.arange(22_050) / 44_100).astype(np.float32)
    slow = np.sin(2 * np.pi * 700 * np.arange(8_000) / 16_000).astype(np.float32)
    transform = LogMelTransform(seconds=0.5, mels=16)
    one, other = transform(Sound(fast, 44_100)).values, transform(Sound(slow, 16_000)).values
    assert one.shape == other.shape
    assert (one.mean(0).argmax() == other.mean(0).argmax()).item()


def test_a_long_sound_is_cut_to_its_middle_in_training_anywhere():
    wave = NOISE.copy()
    wave[3_000:5_000] *= 100
    transform = LogMelTransform(seconds=0.125, mels=16, time_mask=0.0, band_mask=0.0)
    middle = LogMelTransform(seconds=0.125, mels=16)(Sound(wave[3_000:5_000], 16_000)).values
    assert_close(transform(Sound(wave, 16_000)).values, middle)
    drawn = {transform(Sound(wave, 16_000), np.random.default_rng(seed)).values.sum().item() for seed in range(5)}
    assert len(drawn) == 5
    assert transform(Sound(wave, 16_000)).values.shape[0] == transform.provides()["steps"]


def test_a_short_sound_gives_what_it_has_and_an_empty_looking_one_is_finite():
    transform = LogMelTransform(seconds=0.5, mels=16)
    assert transform(Sound(NOISE[:1_600], 16_000)).values.shape == (11, 16)
    for wave in (NOISE[:3], np.zeros(4_000, np.float32)):
        assert transform(Sound(wave, 16_000)).values.isfinite().all()


def test_spec_augment_hides_one_stretch_of_time_and_one_of_bands_in_training_only():
    transform = LogMelTransform(seconds=0.5, mels=32, time_mask=0.4, band_mask=0.4)
    plain = transform(Sound(NOISE, 16_000)).values
    assert (plain == 0).sum() == 0
    widths = []
    for seed in range(20):
        masked = transform(Sound(NOISE, 16_000), np.random.default_rng(seed)).values == 0
        steps, bands = masked.all(1), masked.all(0)
        assert torch.equal(masked, steps[:, None] | bands)
        for line in (steps, bands):
            assert (line.int().diff(prepend=torch.zeros(1), append=torch.zeros(1)) == 1).sum() <= 1
        widths.append((steps.sum().item(), bands.sum().item()))
    assert max(w for w, _ in widths) <= 0.4 * len(plain)
    assert max(w for _, w in widths) <= 0.4 * 32
    assert len(set(widths)) > 5


def test_the_generator_decides_and_torch_is_left_alone():
    transform = LogMelTransform(seconds=0.5, mels=32, time_mask=0.4, band_mask=0.4)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one = transform(Sound(NOISE, 16_000), np.random.default_rng(3)).values
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(one, transform(Sound(NOISE, 16_000), np.random.default_rng(3)).values)
    assert not torch.equal(one, transform(Sound(NOISE, 16_000), np.random.default_rng(4)).values)


def test_the_input_is_kept():
    wave = NOISE.copy()
    LogMelTransform(seconds=0.1, mels=16)(Sound(wave, 16_000), np.random.default_rng(0))
    assert np.array_equal(wave, NOISE)


@pytest.mark.parametrize("used", [False, True])
def test_it_travels_to_workers(used):
    transform = LogMelTransform(seconds=0.5, mels=16)
    if used:
        transform(Sound(NOISE, 16_000))
    copy = pickle.loads(pickle.dumps(transform))
    assert torch.equal(copy(Sound(NOISE, 16_000)).values, transform(Sound(NOISE, 16_000)).values)


def test_blank_is_zero_and_sizes_are_told():
    transform = LogMelTransform(seconds=1.5, mels=16)
    assert transform.provides() == {"mels": 16, "steps": 151}
    assert transform.blank().values.tolist() == torch.zeros(151, 16).tolist()


@pytest.mark.parametrize(
    ("window", "hop", "rate"), [(0.025, 0.010, 16_000), (0.064, 0.020, 16_000), (0.025, 0.010, 8_000)]
)
def test_the_power_is_that_of_torchaudio_within_a_rounding(window, hop, rate):
    from torchaudio.transforms import MelSpectrogram

    made = LogMelTransform(seconds=0.5, rate=rate, mels=40, window=window, hop=hop)
    size = max(512, made.window)
    books = MelSpectrogram(rate, n_fft=size, win_length=made.window, hop_length=made.hop, n_mels=40)(
        torch.from_numpy(NOISE)
    )
    found = made._power(torch.from_numpy(NOISE)) @ made._bank
    assert float((found.T - books).abs().max() / books.max()) < 5e-7


@pytest.mark.parametrize("samples", [8_000, 100])
def test_a_whole_spectrogram_gives_what_the_sound_gives(samples):
    made = LogMelTransform(seconds=1.0, rate=8_000)
    sound = Sound(NOISE[:samples], 8_000)
    assert_close(made(made.spectrogram(sound)).values, made(sound).values)


def test_from_a_long_one_a_stretch_is_cut():
    made = LogMelTransform(seconds=0.5, rate=8_000)
    whole = made.spectrogram(Sound(NOISE, 8_000))
    cut = made(whole).values
    assert cut.shape == made(Sound(NOISE, 8_000)).values.shape == (51, 64)
    # the middle; only the windows at the ends hold other samples
    assert_close(cut[4:-4], made(Sound(NOISE, 8_000)).values[4:-4], atol=0.1, rtol=0)
    drawn = {float(made(whole, np.random.default_rng(seed)).values.sum()) for seed in range(5)}
    assert len(drawn) == 5


def test_a_spectrogram_of_other_settings_is_refused():
    with pytest.raises(DecodeError, match=r"MelSettings\(rate=8000, mels=64, .* the input reads .*mels=32"):
        LogMelTransform(seconds=0.5, rate=8_000, mels=32)(
            LogMelTransform(seconds=0.5, rate=8_000).spectrogram(Sound(NOISE, 8_000))
        )
