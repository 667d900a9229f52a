import torch

from m5kit.descriptors.pixels import PixelsDescriptor
from m5kit.structures import Inputs


def _pictures(*colours, size=24):
    return torch.tensor(colours, dtype=torch.uint8)[:, :, None, None].expand(-1, -1, size, size).contiguous()


def _fitted(inputs, **arguments):
    descriptor = PixelsDescriptor(**arguments)
    descriptor.fit(descriptor.measure(inputs))
    return descriptor


def test_a_clip_of_one_picture_is_described_as_the_picture():
    pictures = torch.randint(0, 256, (3, 3, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    single = Inputs(pictures, torch.ones(3, dtype=torch.int64))
    clips = Inputs(pictures[:, None].expand(-1, 5, -1, -1, -1), torch.tensor([5, 3, 1]))
    descriptor = PixelsDescriptor()
    torch.testing.assert_close(descriptor.measure(clips), descriptor.measure(single))


def test_colours_alone_tell_plain_pictures_apart():
    inputs = Inputs(_pictures((255, 0, 0), (250, 5, 5), (0, 0, 255)), torch.ones(3, dtype=torch.int64))
    red, similar, blue = _fitted(inputs)(inputs)
    assert red @ similar > 0.9
    assert red @ blue < 0


def test_a_larger_share_of_colour_weighs_colour_more():
    pictures = torch.randint(0, 256, (8, 3, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    inputs = Inputs(pictures, torch.ones(8, dtype=torch.int64))
    lengths = []
    for colour in (0.5, 2.0):
        descriptor = _fitted(inputs, colour=colour)
        parts = descriptor.parts(descriptor.measure(inputs))
        lengths.append(parts[0].norm() / torch.cat(parts, dim=1).norm())
    assert lengths[0] < 0.45 < 0.75 < lengths[1]


def test_the_size_of_the_pictures_does_not_change_the_width():
    descriptor = PixelsDescriptor(cells=4, patches=2)
    for size in (16, 30):
        measured = descriptor.measure(Inputs(_pictures((9, 9, 9), size=size), torch.ones(1, dtype=torch.int64)))
        assert measured.shape == (1, descriptor.width) == (1, 192 + 8 * 16 + 6 * 4)


def test_atoms_of_a_clip_of_one_picture_are_those_of_the_picture():
    pictures = torch.randint(0, 256, (6, 3, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    single = Inputs(pictures, torch.ones(6, dtype=torch.int64))
    clips = Inputs(pictures[:, None].expand(-1, 5, -1, -1, -1), torch.tensor([5, 3, 1, 4, 2, 5]))
    descriptor = PixelsDescriptor(atoms=4)
    descriptor.study(descriptor.pieces(single))
    descriptor.fit(descriptor.measure(single))
    assert descriptor.measure(single)[:, -128:].any()
    torch.testing.assert_close(descriptor.measure(clips), descriptor.measure(single))


def test_atoms_tell_fine_and_coarse_textures_of_the_same_colours_apart():
    generator = torch.Generator().manual_seed(0)
    textures = []
    for size in (2, 2, 2, 6, 6, 6):
        dots = torch.randint(0, 2, (48 // size, 48 // size), generator=generator, dtype=torch.uint8) * 255
        textures.append(dots.repeat_interleave(size, 0).repeat_interleave(size, 1).expand(3, 48, 48))
    inputs = Inputs(torch.stack(textures), torch.ones(6, dtype=torch.int64))
    descriptor = PixelsDescriptor(atoms=8)
    descriptor.study(descriptor.pieces(inputs))
    descriptor.fit(descriptor.measure(inputs))
    block = torch.nn.functional.normalize(descriptor.parts(descriptor.measure(inputs))[-1], dim=1)
    likeness = block @ block.T
    assert likeness[:3, :3].min() > 0.5 > -0.5 > likeness[:3, 3:].max()


def test_large_pictures_are_reduced_before_atoms_are_looked_for():
    small = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    large = small.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)
    descriptor = PixelsDescriptor(atoms=4)
    maps = [descriptor.maps(Inputs(each, torch.ones(4, dtype=torch.int64))) for each in (small, large)]
    torch.testing.assert_close(maps[0][0], maps[1][0])
    assert maps[0][1].tolist() == [30 * 30] * 4
