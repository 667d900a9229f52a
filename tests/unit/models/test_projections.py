import pytest
import torch

from m5kit.errors import ConfigError
from m5kit.models.projections import contrastive_heads
from m5kit.registry import ENCODERS


def heads(kind, features=8):
    encoder = ENCODERS.build({"type": "text_tokens", "vocabulary": 9, "max_tokens": 3, "mask_id": 2, "dim": 16})
    return contrastive_heads(kind, {"text": encoder}, {"text": 16}, features)


def test_the_paper_has_no_negative_features_and_the_default_may():
    values = torch.randn(50, 16)
    assert (heads("linear_relu")["text"](values) >= 0).all()
    assert (heads("mlp")["text"](values) < 0).any()
    assert heads("mlp")["text"](values).shape == (50, 8)


def test_an_aligned_tower_keeps_the_width_of_its_space():
    tower, _ = ENCODERS.get("text_tokens").example()
    tower.aligned, width = True, tower.given
    with pytest.raises(ConfigError, match=f"8 is not the width {width} of the space"):
        contrastive_heads("mlp", {"text": tower}, {"text": 16}, 8)
