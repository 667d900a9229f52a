import torch

from m5kit.nn.visual_statistics import colour_histogram, colour_moments, hue_saturation_value, oriented_gradients


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


def test_the_histogram_holds_shares():
    red_and_grey = torch.zeros(1, 3, 2, 2)
    red_and_grey[:, 0, 0] = 1.0
    red_and_grey[:, :, 1] = 0.4
    histogram = colour_histogram(red_and_grey, (3, 2, 2))
    torch.testing.assert_close(histogram.square().sum(), torch.tensor(1.0))
    assert (histogram > 0).sum() == 2


def test_hues_go_round():
    colours = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]])[:, :, None, None]
    torch.testing.assert_close(hue_saturation_value(colours)[0].flatten(), torch.tensor([0, 1 / 3, 2 / 3, 5 / 6]))


def test_moments_of_halves():
    picture = torch.zeros(1, 3, 4, 4)
    picture[..., 2:] = 1.0
    moments = colour_moments(picture, 2)
    assert moments[0, 0].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert moments[0, 3:].max() < 0.01
