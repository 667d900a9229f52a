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


def test_atoms_tell_the_order_of_sounds_and_see_no_padding():
    calls = torch.randn(2, 10, 6, generator=torch.Generator().manual_seed(0))
    first_then_second = calls.repeat(1, 6, 1).flatten(0, 1)
    backwards = calls.flip(0).repeat(1, 6, 1).flatten(0, 1)
    steps = torch.stack([first_then_second, backwards, first_then_second.roll(2, 0)])
    descriptor = SpectrumDescriptor(mels=6, atoms=8)
    inputs = Inputs(steps, torch.tensor([120, 120, 120]))
    descriptor.study(descriptor.pieces(inputs))
    descriptor.fit(descriptor.measure(inputs))
    one, reverse, shifted = torch.nn.functional.normalize(descriptor.parts(descriptor.measure(inputs))[-1], dim=1)
    assert one @ shifted > 0 > one @ reverse
    padded = torch.cat([steps, torch.full((3, 30, 6), 9.0)], dim=1)
    torch.testing.assert_close(descriptor.measure(Inputs(padded, inputs.lengths)), descriptor.measure(inputs))


def test_a_sound_shorter_than_an_atom_is_described():
    descriptor = SpectrumDescriptor(mels=6, atoms=8)
    inputs = Inputs(torch.randn(4, 3, 6, generator=torch.Generator().manual_seed(0)), torch.tensor([3, 1, 2, 3]))
    descriptor.study(descriptor.pieces(inputs))
    descriptor.fit(descriptor.measure(inputs))
    assert descriptor(inputs).isfinite().all()
