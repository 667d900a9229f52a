"""Made-up inputs are of the kind that a run's transforms give, and lack this and that."""

import numpy as np
import torch

from m5kit.data.transforms.features import FeaturesTransform
from m5kit.data.transforms.image import ImageTransform
from m5kit.interchange.onnx_samples import made_up, port_of


def test_the_first_item_has_everything_and_the_last_nothing():
    ports = [port_of("image", ImageTransform(size=8)), port_of("regions", FeaturesTransform(width=3, max_tokens=3))]
    items = made_up(ports, 6, np.random.default_rng(0))
    assert set(items[0].inputs) == {"image", "regions"}
    assert not items[-1].inputs
    picture = items[0].inputs["image"].values
    assert picture.dtype == torch.uint8
    assert picture.shape == (3, 8, 8)
    lengths = {int(item.inputs["regions"].lengths) for item in items if "regions" in item.inputs}
    assert lengths <= {1, 2, 3}
    assert len(lengths) > 1


def test_a_transform_of_another_size_than_its_example_is_filled_with_blanks():
    assert port_of("regions", FeaturesTransform(width=5, max_tokens=2)).example.values.shape == (2, 5)
