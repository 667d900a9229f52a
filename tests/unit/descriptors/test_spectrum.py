import torch

from m5kit.descriptors.spectrum import SpectrumDescriptor
from m5kit.structures import Inputs


def test_statistics_of_a_short_sound_by_hand():
    steps = torch.tensor([[[0.0, 1.0], [2.0, 1.0], [9.0, 9.0]]])  # the last step is padding
    measured = SpectrumDescriptor(mels=2, segments=2).measure(Inputs(steps, torch.tensor([2])))
    mean, deviation, change, course = [1.0, 1.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0, 2.0, 1.0]
    assert measured.tolist() == [mean + deviation + change + course]


def test_the_course_tells_the_order_that_moments_do_not():
    rising = torch.arange(8.0).view(1, 8, 1)
    inputs = Inputs(torch.cat([rising, rising.flip(1)]), torch.tensor([8, 8]))
    up, down = SpectrumDescriptor(mels=1, segments=4).measure(inputs)
    assert torch.equal(up[:3], down[:3])
    assert not torch.allclose(up[3:], down[3:])
