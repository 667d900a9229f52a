import pytest
import torch
from torch.testing import assert_close

from m5kit.encoders.image_patches import ImagePatches
from m5kit.errors import ConfigError
from m5kit.nn.transformer import TransformerShape
from m5kit.structures import Inputs


def test_what_a_task_predicts_are_normalised_raw_patches_and_never_exactly_zero():
    encoder = ImagePatches(dim=8, size=16, patch=8, shape=TransformerShape(heads=2))
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)
    observation = encoder.observe(Inputs(levels, torch.tensor([1])))
    assert observation.lengths.tolist() == [4]
    assert observation.values[0, 0, :2].tolist() == pytest.approx([-2.0, -126.5 / 63.75])
    assert observation.values.abs().min() > 0
    assert_close(observation.values.mean(), torch.tensor(0.0), atol=1e-5, rtol=0)


def test_the_place_of_a_patch_matters():
    torch.manual_seed(0)
    encoder = ImagePatches(dim=8, size=16, patch=8, shape=TransformerShape(heads=2)).eval()
    torch.nn.init.normal_(encoder.row)
    grey = Inputs(torch.full((1, 3, 16, 16), 9, dtype=torch.uint8), torch.tensor([1]))
    tokens = encoder(grey).values[0, 1:]
    assert (tokens[0] - tokens[2]).abs().max() > 1e-3


def test_a_patch_that_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="patch 24 must divide size 64"):
        ImagePatches(dim=8, size=64, patch=24)
