"""Augmentation by name: what is off changes nothing, what is on follows the generator, and bytes stay bytes."""

import numpy as np
import pytest
import torch

from m5kit.data.decode.sound import Sound
from m5kit.data.transforms._augment_pixels import PICTURES, PictureAugmentation, PixelChanges
from m5kit.data.transforms._augment_sound import SampleChanges, SoundAugmentation
from m5kit.data.transforms._augment_words import TableAugmentation, TableChanges, TextAugmentation, TextChanges
from m5kit.errors import ConfigError
from m5kit.registry import TRANSFORMS

NAMES = ("none", "light", "strong")
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
CLIP = np.stack([PICTURE, PICTURE[::-1], PICTURE])
SOUND = Sound(np.sin(np.arange(16_000, dtype=np.float32) / 5), 16_000)
TEXT = "A red mug. It holds tea; it holds coffee! Made of clay."
TABLE = {"colour": ["red", "blue", "green"], "size": 3, "material": "clay", "brand": "Corda", "weight_kg": 0.4}
CASES = {
    "image": ({"size": 32}, PICTURE),
    "frames": ({"size": 32, "frames": 3}, CLIP),
    "log_mel": ({"seconds": 0.5, "mels": 16}, SOUND),
    "waveform": ({"seconds": 0.5, "chunk": 400}, SOUND),
    "tokenize": ({"max_tokens": 32, "vocabulary": 80}, TEXT),
    "properties": ({"max_tokens": 48, "vocabulary": 80}, TABLE),
    "columns": ({"max_tokens": 8}, TABLE),
}


def built(kind, **more):
    arguments, decoded = CASES[kind]
    transform = TRANSFORMS.build({"type": kind, **arguments, **more})
    transform.fit([decoded])
    return transform, decoded


def values(transform, decoded, seed=None):
    return transform(decoded, None if seed is None else np.random.default_rng(seed)).values


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("strength", NAMES)
def test_the_same_generator_gives_the_same(kind, strength):
    transform, decoded = built(kind, augment=strength)
    torch.manual_seed(1)
    first = values(transform, decoded, 3)
    torch.manual_seed(2)
    assert torch.equal(first, values(transform, decoded, 3))


@pytest.mark.parametrize("kind", CASES)
def test_strong_changes_an_item_and_use_does_not(kind):
    transform, decoded = built(kind, augment="strong")
    plain = values(transform, decoded)
    assert torch.equal(plain, values(built(kind, augment="none")[0], decoded))
    changed = [values(transform, decoded, seed) for seed in range(8)]
    assert any(each.shape != plain.shape or not torch.equal(each, plain) for each in changed)
    assert {each.dtype for each in changed} == {plain.dtype}


@pytest.mark.parametrize("kind", ["image", "frames", "log_mel"])
def test_light_is_what_a_transform_does_unasked(kind):
    transform, decoded = built(kind)
    assert torch.equal(values(transform, decoded, 5), values(built(kind, augment="light")[0], decoded, 5))


@pytest.mark.parametrize("kind", ["waveform", "tokenize", "columns"])
def test_others_do_nothing_unasked(kind):
    transform, decoded = built(kind)
    assert torch.equal(values(transform, decoded, 5), values(built(kind, augment="none")[0], decoded, 5))


def test_a_given_amount_goes_before_the_named_strength():
    transform, decoded = built("image", augment="none", flip=1.0)
    assert torch.equal(values(transform, decoded, 0), values(transform, decoded).flip(-1))
    chosen = PictureAugmentation(augment="strong", flip=0.0).resolve(PICTURES)
    assert chosen["flip"] == 0
    assert chosen["rotation"] == 15


@pytest.mark.parametrize("kind", CASES)
def test_an_unknown_strength_is_refused(kind):
    with pytest.raises(ConfigError, match="augment: expected none, light, strong, got 'wild'"):
        built(kind, augment="wild")


def test_a_chance_is_between_0_and_1():
    with pytest.raises(ConfigError, match=r"erase: expected a chance between 0 and 1, got 2\.0"):
        built("image", erase=2.0)
    with pytest.raises(ConfigError, match=r"word_dropout: expected a chance between 0 and 1, got -0\.1"):
        built("tokenize", word_dropout=-0.1)


def pixels(**amounts):
    return PixelChanges({**PICTURES["none"], **amounts})


def test_all_frames_of_a_clip_are_changed_alike():
    clip = torch.from_numpy(PICTURE).permute(2, 0, 1)[None].expand(3, -1, -1, -1).contiguous()
    strong = PICTURES["strong"] | {"erase": 1.0, "blur": 1.0}
    changed = PixelChanges(strong)(clip, rng())
    assert torch.equal(changed[0], changed[2])
    assert changed.dtype == torch.uint8


def test_erasing_covers_one_grey_box():
    black = torch.zeros(1, 3, 20, 20, dtype=torch.uint8)
    for seed in range(10):
        covered = pixels(erase=1.0)(black, rng(seed))[0, 0] == 127
        rows, columns = covered.any(1).sum(), covered.any(0).sum()
        assert covered.sum() == rows * columns > 0
        assert covered.float().mean() <= 0.25
    assert black.max() == 0


def test_greyness_blur_and_colour():
    pictures = torch.from_numpy(PICTURE).permute(2, 0, 1)[None]
    grey = pixels(grey=1.0)(pictures, rng())
    assert torch.equal(grey[:, 0], grey[:, 2])
    assert pixels(blur=1.0)(pictures, rng()).float().std() < pictures.float().std()
    evenly_grey = torch.full((1, 3, 8, 8), 90, dtype=torch.uint8)
    assert torch.equal(pixels(colour=0.8)(evenly_grey, rng()), evenly_grey)
    assert not torch.equal(pixels(colour=0.8)(pictures, rng()), pictures)


def test_rotation_by_no_degrees_is_the_picture_and_by_some_fills_with_grey():
    pictures = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    assert torch.equal(pixels(rotation=1e-6)(pictures, rng())[..., 1:-1, 1:-1], pictures[..., 1:-1, 1:-1])
    corners = [int(pixels(rotation=45.0)(pictures, rng(seed))[0, 0, 0, 0]) for seed in range(8)]
    assert max(corners) == 127


def sound(**amounts):
    return SampleChanges(
        SoundAugmentation(augment="none", **amounts).resolve(
            {"none": dict.fromkeys(("speed", "pitch", "gain"), 0.0) | {"noise": None}}
        )
    )


def test_speed_changes_the_length_and_gain_the_level():
    wave = np.sin(np.arange(8_000, dtype=np.float32) / 5)
    lengths = {len(sound(speed=0.1)(wave, 16_000, rng(seed))) for seed in range(20)}
    assert lengths <= {7_200, 7_600, 8_000, 8_400, 8_800}
    assert len(lengths) > 2
    level = [np.abs(sound(gain=6.0)(wave, 16_000, rng(seed))).max() for seed in range(20)]
    assert 0.5 <= min(level) < 1 < max(level) <= 2


def test_noise_has_the_distance_asked_for():
    wave = np.sin(np.arange(16_000, dtype=np.float32) / 5)
    for seed in range(5):
        noise = sound(noise=20.0)(wave, 16_000, rng(seed)) - wave
        distance = 20 * np.log10(wave.std() / noise.std())
        assert 19.5 < distance < 40.5


def test_pitch_moves_the_strongest_frequency_and_keeps_the_length():
    wave = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    shifted = [sound(pitch=4.0)(wave, 16_000, rng(seed)) for seed in range(6)]
    peaks = {int(np.abs(np.fft.rfft(each)).argmax()) for each in shifted}
    assert all(len(each) == len(wave) for each in shifted)
    assert len(peaks) > 1
    assert all(340 < peak < 560 for peak in peaks)


def test_silence_stays_silence():
    assert not sound(noise=20.0, gain=6.0)(np.zeros(400, np.float32), 16_000, rng()).any()


def test_words_are_left_out_in_order_and_one_stays():
    words = TEXT.split()
    for seed in range(20):
        kept = TextChanges(TextAugmentation(word_dropout=0.5))(TEXT, rng(seed)).split()
        remaining = iter(words)
        assert kept
        assert all(word in remaining for word in kept)
    assert TextChanges(TextAugmentation(word_dropout=1.0))("red mug", rng()).strip() in ("red", "mug")


def test_scripts_without_spaces_lose_characters():
    kept = TextChanges(TextAugmentation(word_dropout=0.5))("红色陶瓷杯子", rng(1))
    assert 0 < len(kept) < 6


def test_sentences_are_left_out_whole():
    for seed in range(20):
        kept = TextChanges(TextAugmentation(sentence_dropout=0.5))(TEXT, rng(seed))
        sentences = ["A red mug.", "It holds tea;", "it holds coffee!", "Made of clay."]
        left = [sentence for sentence in sentences if sentence in kept]
        assert kept == " ".join(left)
        assert left
    assert TextChanges(TextAugmentation(augment="none"))(TEXT, rng()) == TEXT


def test_columns_go_with_their_values_and_cells_without_their_column():
    without_columns = TableChanges(TableAugmentation(column_dropout=0.5))
    without_cells = TableChanges(TableAugmentation(cell_dropout=0.5))
    for seed in range(20):
        fewer = without_columns(TABLE, rng(seed))
        assert 0 < len(fewer) <= len(TABLE)
        assert all(TABLE[key] == value for key, value in fewer.items())
        emptied = without_cells(TABLE, rng(seed))
        assert list(emptied) == list(TABLE)
        assert set(emptied["colour"]) <= set(TABLE["colour"])
        assert all(value in ([], TABLE[key]) for key, value in emptied.items() if key != "colour")
    assert len(without_columns(TABLE, rng(0))) < len(TABLE)


def test_a_table_that_lost_all_values_is_still_prepared():
    for kind in ("properties", "columns"):
        transform, decoded = built(kind, cell_dropout=1.0)
        assert len(values(transform, decoded, 0)) > 0
