import colorsys

import pytest
import torch
from torch.nn import functional as F

from m5kit.nn import visual_statistics
from m5kit.nn.visual_statistics import colour_histogram, colour_moments, oriented_gradients


def test_upright_and_lying_stripes_have_different_directions():
    upright = (torch.arange(16) // 2 % 2).float().expand(1, 3, 16, 16)
    maps = oriented_gradients(torch.cat([upright, upright.mT]), cells=2, bins=4)
    assert maps[0].mean((1, 2)).argmax() == 0
    assert maps[1].mean((1, 2)).argmax() == 2
    torch.testing.assert_close(maps[0, 0].T, maps[1, 2])


def test_edges_do_not_depend_on_contrast():
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    strong, weak = oriented_gradients(picture, 2, 8), oriented_gradients(picture / 2, 2, 8)
    torch.testing.assert_close(strong, weak, atol=0.05, rtol=0.1)


@pytest.mark.parametrize(("size", "cells"), [((16, 16), 4), ((23, 17), 5), ((3, 3), 6)])
def test_both_ways_of_pooling_directions_agree(size, cells):
    generator = torch.Generator().manual_seed(0)
    direction = torch.rand(2, *size, generator=generator) * 8
    direction[0, 0], direction[0, 1] = 8.0, 0.0
    strength = torch.rand(2, *size, generator=generator)
    in_place = visual_statistics._means_in_place(direction, strength, cells, 8)
    torch.testing.assert_close(in_place, visual_statistics._means_of_maps(direction, strength, cells, 8))


@pytest.mark.parametrize(("size", "cells"), [(224, 6), (7, 7), (5, 8)])
def test_cells_are_those_of_adaptive_pooling(size, cells):
    side = torch.rand(1, 1, size, generator=torch.Generator().manual_seed(0))
    pixels, shares = visual_statistics._stretches(size, cells)
    sums = torch.zeros(len(shares[0])).index_add(0, torch.tensor(pixels), side.flatten())
    torch.testing.assert_close(torch.tensor(shares) @ sums, F.adaptive_avg_pool1d(side, cells).flatten())


def test_the_histogram_holds_shares():
    red_and_grey = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    red_and_grey[:, 0, 0] = 255
    red_and_grey[:, :, 1] = 102
    histogram = colour_histogram(red_and_grey, (3, 2, 2))
    torch.testing.assert_close(histogram.square().sum(), torch.tensor(1.0))
    assert (histogram > 0).sum() == 2


def test_every_colour_is_counted_where_its_hue_saturation_and_value_are():
    colours = torch.randint(0, 256, (400, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    counted = colour_histogram(colours[:, :, None, None], (7, 5, 3)).argmax(1)
    for colour, place in zip(colours.tolist(), counted.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
        # a little more, because floats may fall below the edge that a colour lies on
        bins = [min(int(part * count + 1e-9), count - 1) for part, count in ((hue, 7), (saturation, 5), (value, 3))]
        assert place == (bins[0] * 5 + bins[1]) * 3 + bins[2]


def test_hues_go_round():
    colours = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 0, 255], [9, 9, 9]], dtype=torch.uint8)
    places = colour_histogram(colours[:, :, None, None], (12, 1, 1)).argmax(1)
    assert places.tolist() == [0, 4, 8, 10, 0]


def test_moments_of_halves():
    picture = torch.zeros(1, 3, 4, 4)
    picture[..., 2:] = 1.0
    moments = colour_moments(picture, 2)
    assert moments[0, 0].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert moments[0, 3:].max() < 0.01


def test_any_number_of_pictures_can_be_recorded():
    class Statistics(torch.nn.Module):
        def forward(self, pictures):
            return colour_histogram(pictures, (12, 4, 4)), oriented_gradients(pictures / 255, 3, 8)

    pictures = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    free = {"pictures": {0: torch.export.Dim("count")}}
    recorded = torch.export.export(Statistics(), (pictures,), dynamic_shapes=free).module()
    for found, right in zip(recorded(pictures[:2]), Statistics()(pictures[:2]), strict=True):
        torch.testing.assert_close(found, right)
