import pytest
import torch
from torch.testing import assert_close

from m5kit.encoders.video_frames import VideoFrames
from m5kit.errors import ContractError
from m5kit.nn.transformer import TransformerShape
from m5kit.structures import Inputs


def encoder():
    torch.manual_seed(0)
    return VideoFrames(dim=8, size=16, frames=4, patch=8, shape=TransformerShape(heads=2)).eval()


def clip(*levels):
    frames = torch.tensor(levels, dtype=torch.uint8)[None, :, None, None, None].expand(1, -1, 3, 16, 16)
    return Inputs(frames.contiguous(), torch.tensor([len(levels)]))


def test_a_frame_is_a_group_of_patches():
    observation = encoder().observe(clip(0, 255))
    assert observation.groups.tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]
    assert observation.values[0, :, 0].tolist() == [-2.0] * 4 + [2.0] * 4
    assert observation.lengths.tolist() == [8]


def test_motion_is_the_difference_of_brightness_from_the_frame_before():
    network = encoder()
    patches = network.observe(clip(0, 255, 255)).values.unflatten(1, (-1, 4))
    motion = network._with_motion(patches)[0, :, 3]
    assert_close(motion.mean((1, 2)), torch.tensor([0.0, 4.0, 0.0]))


def test_the_direction_of_time_matters():
    network = encoder()
    forth, back = network(clip(10, 90, 200)).summary, network(clip(200, 90, 10)).summary
    assert (forth - back).abs().max() > 1e-4


def test_too_many_frames_name_the_setting():
    with pytest.raises(ContractError, match="a clip has 5 frames, the encoder was built for 4; set the same frames"):
        encoder().observe(clip(1, 2, 3, 4, 5))
