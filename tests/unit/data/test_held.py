"""What a caller of Python holds: bytes lie in a file for as long as a decoder needs them; arrays stand for files."""

import numpy as np
import pytest
import torch
from PIL import Image

from m5kit.data.decode.features import FeaturesDecoder
from m5kit.data.decode.pillow import PillowDecoder
from m5kit.data.decode.pyav import PyAVDecoder
from m5kit.data.decode.sound import Sound, SoundDecoder
from m5kit.data.decode.text import TextDecoder
from m5kit.data.held import as_array, channels_last, in_a_file
from m5kit.errors import DecodeError

NOISE = np.random.default_rng(0)
PIXELS = NOISE.integers(0, 256, (6, 9, 3), dtype=np.uint8)
FRAMES = NOISE.integers(0, 256, (12, 6, 8, 3), dtype=np.uint8)
WAVE = NOISE.uniform(-1, 1, 400).astype(np.float32)


def test_bytes_are_read_as_a_file_under_the_same_cap_and_leave_none_behind(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    with in_a_file(content) as held:
        assert np.array_equal(PillowDecoder()(held, tmp_path), PIXELS)
        with pytest.raises(DecodeError, match=rf"cannot read <{len(content)} bytes>: {len(content)} bytes are over"):
            PillowDecoder(max_bytes=10)(held, tmp_path)
        with pytest.raises(DecodeError, match="expected a text"):
            TextDecoder()(held, tmp_path)
    assert not held.path.exists()


def test_empty_bytes_are_an_empty_file(tmp_path):
    with in_a_file(b"") as held, pytest.raises(DecodeError, match="the file is empty"):
        PillowDecoder()(held, tmp_path)


def test_a_tensor_is_an_array_and_a_text_is_none():
    values = torch.ones(2, requires_grad=True)
    assert as_array(values).tolist() == [1, 1]
    assert as_array("a text") is None
    with pytest.raises(DecodeError, match="an array of numbers"):
        as_array(np.array(["a"]))


@pytest.mark.parametrize(
    ("given", "expected"), [((4, 5, 3), (4, 5, 3)), ((3, 4, 5), (4, 5, 3)), ((7, 3, 4, 5), (7, 4, 5, 3))]
)
def test_channels_come_last_as_numpy_has_them(given, expected):
    assert channels_last(np.zeros(given)).shape == expected


@pytest.mark.parametrize(
    "value",
    [
        PIXELS,
        torch.from_numpy(PIXELS).permute(2, 0, 1),
        PIXELS / 255,
        PIXELS.astype(np.uint16) * 257,
        Image.fromarray(PIXELS),
        np.dstack([PIXELS, np.full((6, 9), 255, np.uint8)]),
    ],
    ids=["array", "tensor", "floats", "16 bits", "pillow", "opaque"],
)
def test_pixels_in_every_form_are_the_same_picture(value):
    assert np.array_equal(PillowDecoder().accept(value), PIXELS)


@pytest.mark.parametrize("grey", [PIXELS[:, :, 0], PIXELS[:, :, :1]], ids=["h w", "h w 1"])
def test_grey_gets_three_channels(grey):
    assert np.array_equal(PillowDecoder().accept(grey), np.repeat(PIXELS[:, :, :1], 3, axis=2))


@pytest.mark.parametrize(
    ("decoder", "value", "message"),
    [
        (PillowDecoder(), np.zeros((8, 8, 7), np.uint8), "expected pixels of shape"),
        (PillowDecoder(), np.full((4, 4), 7.0), "pixels from 7.0 to 7.0"),
        (PillowDecoder(max_pixels=10), PIXELS, "9x6 is over max_pixels=10"),
        (PillowDecoder(), {1, 2}, "a picture of Pillow, or an array"),
        (SoundDecoder(), WAVE, "a pair .samples, samples a second."),
        (SoundDecoder(), (WAVE, 16_000.5), "a pair"),
        (SoundDecoder(), (WAVE * np.nan, 16_000), "not numbers"),
        (SoundDecoder(), (WAVE.astype(np.uint8), 16_000), "signed whole numbers"),
        (SoundDecoder(), (WAVE, 10), "10 samples a second are outside"),
        (SoundDecoder(max_seconds=0.01), (WAVE, 16_000), "over the cap max_seconds"),
        (PyAVDecoder(), FRAMES[0], "expected uint8 frames"),
        (PyAVDecoder(), FRAMES / 255, "expected uint8 frames"),
        (PyAVDecoder(fps=2.0), FRAMES, "the run takes 2 frames a second; give a pair"),
        (PyAVDecoder(max_pixels=10), FRAMES, "frames of 8x6 are outside"),
        (PyAVDecoder(max_seconds=1.0), (FRAMES, 4.0), "3.0 s are over the cap"),
        (PyAVDecoder(), (FRAMES, 0), "got 0 as the rate"),
        (FeaturesDecoder(), np.zeros(3), "expected features of shape"),
        (FeaturesDecoder(), {"boxes": np.zeros((2, 4))}, "expected an array 'features', got boxes"),
        (FeaturesDecoder(), {"features": "a.npy"}, "features is str"),
        (TextDecoder(), PIXELS, "expected what a manifest holds"),
    ],
)
def test_what_cannot_stand_for_a_file_is_an_error_that_says_why(decoder, value, message):
    with pytest.raises(DecodeError, match=message):
        decoder.accept(value)


@pytest.mark.parametrize(
    "value",
    [
        Sound(WAVE, 8_000),
        (WAVE, 8_000),
        {"array": torch.from_numpy(WAVE), "sampling_rate": 8_000},
        (np.stack([WAVE, WAVE]), np.int64(8_000)),
        (np.stack([WAVE, WAVE], 1), 8_000),
    ],
    ids=["sound", "pair", "mapping", "channels first", "channels last"],
)
def test_samples_in_every_form_are_the_same_sound(value):
    sound = SoundDecoder().accept(value)
    assert np.array_equal(sound.waveform, WAVE)
    assert (sound.waveform.dtype, sound.rate) == (np.float32, 8_000)


def test_whole_numbers_are_scaled_as_in_a_file():
    sound = SoundDecoder().accept((np.array([0, 16384, -32768], np.int16), 8_000))
    assert sound.waveform.tolist() == [0, 0.5, -1]


def test_frames_are_chosen_as_from_a_clip():
    chosen = PyAVDecoder(frames=3).accept(FRAMES)
    assert np.array_equal(chosen, FRAMES[[2, 6, 10]])  # the middle of each third
    assert np.array_equal(PyAVDecoder(frames=2, fps=2.0).accept((FRAMES, 4.0)), FRAMES[[1, 3]])
    assert np.array_equal(PyAVDecoder().accept(torch.from_numpy(FRAMES[:3]).permute(0, 3, 1, 2)), FRAMES[:3])


def test_features_may_have_boxes():
    boxes = np.array([[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
    found = FeaturesDecoder().accept({"features": np.ones((2, 4)), "boxes": boxes})
    assert found.values.shape == (2, 4)
    assert found.boxes[:, 4].tolist() == [0.5, 0.5]


def test_a_picture_without_pixels_is_told():
    with pytest.raises(DecodeError, match="0x3 pixels are none"):
        PillowDecoder().accept(Image.new("RGB", (0, 3)))
