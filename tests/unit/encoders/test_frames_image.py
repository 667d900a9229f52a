"""Clips through an image encoder, frame by frame."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.encoders.frames_image import FramesImage
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.transformer import TransformerShape
from m5kit.structures import Inputs

FRAME = {"type": "image_patches", "patch": 8, "layers": 1, "heads": 2, "dropout": 0.0}
VIT = {
    "type": "hf_image",
    "weights": {
        "model_type": "vit",
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "image_size": 16,
        "patch_size": 8,
    },
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def small(frame=FRAME, **arguments):
    return FramesImage(
        dim=16, size=16, frames=4, frame=frame, shape=TransformerShape(layers=1, heads=2, dropout=0.0), **arguments
    ).eval()


def clips(*lengths):
    values = torch.randint(0, 256, (len(lengths), max(lengths), 3, 16, 16), dtype=torch.uint8)
    return Inputs(values, torch.tensor(lengths))


def test_whole_frames_are_predicted_as_small_pictures():
    inputs = clips(3)
    inputs.values[0, 1] = 255
    observation = small().observe(inputs)
    assert observation.values.shape == (1, 3, 3 * 16 * 16)
    assert_close(observation.values[0, 1], torch.ones(768))
    assert observation.lengths.tolist() == [3]


def test_a_hidden_frame_cannot_be_seen():
    encoder, inputs = small(), clips(3)
    other = replace(inputs, values=inputs.values.clone())
    other.values[0, 1] = 7
    hidden = []
    for each in (inputs, other):
        observation = encoder.observe(each)
        values = observation.values.index_fill(1, torch.tensor([1]), 0.0)
        hidden.append(encoder.encode(replace(observation, values=values)).values)
    assert_close(hidden[0], hidden[1])
    assert (encoder(inputs).values - encoder(other).values).abs().max() > 1e-3


def test_patches_of_a_frame_are_one_group_and_each_has_a_token():
    encoder = small(output="patches")
    observation = encoder.observe(clips(2, 1))
    assert observation.groups.tolist() == [[0] * 4 + [1] * 4] * 2
    assert observation.lengths.tolist() == [8, 4]
    assert encoder.encode(observation).values.shape == (2, 9, 16)


def test_frames_know_of_each_other():
    encoder, inputs = small(), clips(3)
    other = replace(inputs, values=inputs.values.clone())
    other.values[0, 2] = 7
    moved = (encoder(inputs).values - encoder(other).values).abs().amax(-1)
    assert (moved > 1e-6).all()


def test_outputs_kept_from_before_give_the_same_tokens():
    encoder, inputs = small({**VIT, "hides": "output", "output": "pooled"}, output="patches"), clips(3, 1)
    assert encoder.extracts
    kept = encoder.extract(inputs)
    assert kept.values.shape == (2, 3, 16)
    assert kept.lengths.tolist() == [3, 1]
    assert_close(encoder(kept).values, encoder(inputs).values)


def test_learning_rates_of_the_frames_network_keep_their_place():
    encoder = small({**VIT, "trainable": "all", "layer_decay": 0.5})
    scales = encoder.learning_rate_scales()
    names = dict(encoder.named_parameters())
    assert scales["frame.backbone.network.embeddings.cls_token"] == 0.25
    assert set(scales) <= set(names)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="frame: expected a mapping with a type"):
        small({"patch": 8})
    with pytest.raises(ContractError, match="a clip has 5 frames, the encoder was built for 4"):
        small().observe(clips(5))
    with pytest.raises(ContractError, match="shows no patches; set output: frames"):
        small({**VIT, "output": "pooled"}, output="patches").observe(clips(2))
