import numpy as np
import pytest
import torch

from m5kit.data.transforms.frames import FramesTransform
from m5kit.errors import ConfigError
from m5kit.registry import TRANSFORMS


def built(**arguments):
    return TRANSFORMS.build({"type": "frames", **arguments})


def clip(count, seed=0):
    """Frames that are one random picture, a little brighter each time."""
    picture = np.random.default_rng(seed).integers(0, 200, (12, 16, 3), dtype=np.uint8)
    return np.stack([picture + np.uint8(number) for number in range(count)])


def test_a_long_clip_gives_evenly_spaced_frames_a_short_one_all():
    values = FramesTransform(size=4, frames=3)(
        np.arange(9, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
    ).values
    assert values[:, 0, 0, 0].tolist() == [0, 4, 8]
    short = FramesTransform(size=4, frames=3)(clip(2))
    assert short.values.shape == (2, 3, 4, 4)
    assert short.lengths.item() == 2


def test_all_frames_of_a_clip_are_cropped_and_mirrored_alike():
    transform = built(size=8, frames=4, crop=(0.3, 0.9))
    seen = set()
    for seed in range(10):
        values = transform(clip(4), np.random.default_rng(seed)).values.int()
        offsets = (values - values[:1]).flatten(1)
        assert (offsets - torch.arange(4)[:, None]).abs().max() <= 1  # rounding
        seen.add(values[0].sum().item())
    assert len(seen) == 10


def test_chance_plays_no_part_outside_training():
    transform = built(size=12, frames=4, flip=1.0, crop=(0.1, 0.2))
    frames = clip(3)
    assert torch.equal(transform(frames).values, torch.from_numpy(frames[:, :, 2:14]).permute(0, 3, 1, 2))


def test_in_training_a_clip_is_mirrored_by_chance():
    frames, generator = clip(3), np.random.default_rng(0)
    mirrored = built(size=12, frames=4, flip=1.0, crop=(1, 1))(frames, generator).values
    assert torch.equal(mirrored, torch.from_numpy(frames[:, :, 2:14].copy()).permute(0, 3, 1, 2).flip(-1))


def test_the_same_generator_gives_the_same_clip_and_the_input_is_kept():
    transform, frames = FramesTransform(size=8, frames=4), clip(6)
    before = frames.copy()
    one, same, other = (transform(frames, np.random.default_rng(seed)).values for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert np.array_equal(frames, before)


def test_an_unknown_fit_is_a_mistake_of_the_config():
    with pytest.raises(ConfigError, match="fit: expected crop, pad or stretch, got 'cover'"):
        FramesTransform(size=8, frames=4, fit="cover")


def test_blank_is_black_and_sizes_are_told():
    transform = FramesTransform(size=5, frames=2)
    assert transform.blank().values.tolist() == torch.zeros(2, 3, 5, 5).tolist()
    assert transform.provides() == {"size": 5, "frames": 2}
