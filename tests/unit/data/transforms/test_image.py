import re

import numpy as np
import pytest
import torch

from m5kit.data.transforms.image import ImageTransform
from m5kit.errors import ConfigError
from m5kit.registry import TRANSFORMS


def built(**arguments):
    return TRANSFORMS.build({"type": "image", **arguments})


def columns(*levels):
    """A picture 4 pixels high whose columns have these levels."""
    return np.array(levels, np.uint8)[None, :, None].repeat(4, 0).repeat(3, 2)


WIDE = columns(10, 20, 30, 40, 50, 60, 70, 80)


def test_channels_come_first_and_keep_their_order():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[..., 1] = 7
    inputs = ImageTransform(size=4)(picture)
    assert inputs.values[:, 2, 2].tolist() == [0, 7, 0]
    assert inputs.values.dtype == torch.uint8
    assert inputs.lengths.item() == 1


def test_crop_takes_the_middle():
    assert ImageTransform(size=4)(WIDE).values[0, 0].tolist() == [30, 40, 50, 60]
    tall = WIDE.transpose(1, 0, 2)
    assert ImageTransform(size=4)(tall).values[0, :, 0].tolist() == [30, 40, 50, 60]


def test_pad_shows_all_on_grey():
    values = ImageTransform(size=8, fit="pad")(WIDE).values[0]
    assert values[:, 0].tolist() == [127, 127, 10, 10, 10, 10, 127, 127]
    assert values[2].tolist() == [10, 20, 30, 40, 50, 60, 70, 80]


def test_stretch_gives_up_the_proportions():
    values = ImageTransform(size=8, fit="stretch")(WIDE).values[0]
    assert values.tolist() == [[10, 20, 30, 40, 50, 60, 70, 80]] * 8


def test_shrinking_averages_instead_of_skipping():
    stripes = columns(*[0, 200] * 8).repeat(4, 0)
    middle = ImageTransform(size=4)(stripes).values[0, :, 1:-1].float()
    assert (middle - 100).abs().max() <= 8


def test_extreme_shapes_stay_squares():
    for shape in ((1, 500, 3), (500, 1, 3), (1, 1, 3)):
        for fit in ("crop", "pad", "stretch"):
            values = ImageTransform(size=8, fit=fit)(np.full(shape, 90, np.uint8)).values
            assert values.shape == (3, 8, 8)
            assert (values == 90).any()


def test_chance_plays_no_part_outside_training():
    transform = built(size=4, flip=1.0, jitter=0.9, crop=(0.1, 0.2))
    assert transform(WIDE).values[0, 0].tolist() == [30, 40, 50, 60]


def test_in_training_a_picture_is_mirrored_by_chance():
    always, never = (built(size=4, crop=(1, 1), flip=flip, jitter=0.0) for flip in (1.0, 0.0))
    generator = np.random.default_rng(0)
    assert always(WIDE, generator).values[0, 0].tolist() == [60, 50, 40, 30]
    assert never(WIDE, generator).values[0, 0].tolist() == [30, 40, 50, 60]


def test_in_training_the_crop_keeps_the_share_of_the_area():
    ramp = np.arange(100, dtype=np.uint8)[None, :, None].repeat(100, 0).repeat(3, 2)
    transform, generator = built(size=50, crop=(0.25, 0.25), flip=0.0, jitter=0.0), np.random.default_rng(0)
    widths = []
    for _ in range(40):
        row = transform(ramp, generator).values[0, 25].int()
        widths.append((row[-1] - row[0]).item() + 2)
    assert 50 * np.sqrt(3 / 4) - 3 <= min(widths)
    assert max(widths) <= 50 * np.sqrt(4 / 3) + 3
    assert max(widths) - min(widths) > 5


def test_jitter_changes_brightness_and_contrast_of_the_whole_picture():
    transform, generator = built(size=4, crop=(1, 1), flip=0.0, jitter=0.2), np.random.default_rng(0)
    for _ in range(20):
        row = transform(WIDE + 70, generator).values[0, 0].float()
        gain = (row[-1] - row[0]).item() / 30
        assert 0.8 - 0.04 <= gain <= 1.2 + 0.04
        assert abs(row.mean().item() - 127.5 - (115 - 127.5) * gain) <= 0.2 * 127.5 + 1


def test_the_same_generator_gives_the_same_picture_and_the_input_is_kept():
    transform, picture = ImageTransform(size=6), np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    before = picture.copy()
    one, same, other = (transform(picture, np.random.default_rng(seed)).values for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"size": 0}, "size: expected a positive number of pixels, got 0"),
        ({"fit": "squeeze"}, "fit: expected crop, pad or stretch, got 'squeeze'"),
        ({"crop": (0.5, 2.0)}, "crop: expected two shares of the area, rising, at most 1, got [0.5, 2.0]"),
        ({"crop": (0.9, 0.5)}, "crop: expected two shares of the area, rising, at most 1, got [0.9, 0.5]"),
        ({"flip": 2.0}, "flip: expected a chance between 0 and 1, got 2.0"),
    ],
)
def test_values_that_make_no_sense(arguments, problem):
    with pytest.raises(ConfigError, match=re.escape(problem)):
        built(**{"size": 8, **arguments})


def test_blank_is_black_and_the_size_is_told():
    transform = ImageTransform(size=5)
    assert transform.blank().values.tolist() == torch.zeros(3, 5, 5).tolist()
    assert transform.provides() == {"size": 5}
