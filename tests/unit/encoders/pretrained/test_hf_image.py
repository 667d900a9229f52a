"""Pictures through transformers' vision networks: what goes in, what comes out, what is refused."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError, ContractError

KINDS = ["vit", "dinov2", "dinov2_registers", "siglip", "clip", "convnext", "swin"]
BEFORE = {"vit": 1, "dinov2": 1, "dinov2_registers": 5, "siglip": 0, "clip": 1, "convnext": 0, "swin": 0}


def direct(folder, pictures):
    """What transformers itself makes of normalised pictures."""
    from transformers import AutoModel

    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))
    model = AutoModel.from_pretrained(folder).eval()
    model = getattr(model, "vision_model", model)
    with torch.no_grad():
        seen = model(pixel_values=(pictures.values / 255 - mean) / std)
    values = seen.last_hidden_state
    return values.flatten(2).mT if values.dim() == 4 else values, seen


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_network_sees_what_it_sees_in_its_own_library(kind, build, checkpoint, sees, pictures):
    folder, inputs = checkpoint(kind, sees()), pictures()
    encoder = build("hf_image", weights=folder, size=32)
    summary, tokens = encoder.run(encoder.observe(inputs))
    wanted, seen = direct(folder, inputs)
    assert_close(tokens, wanted[:, BEFORE[kind] :], atol=1e-5, rtol=1e-4)
    assert_close(summary, wanted[:, 0] if BEFORE[kind] else seen.pooler_output, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("convnext", "swin")])
def test_each_patch_stands_for_its_own_token(kind, build, config, pictures):
    encoder = build("hf_image", weights=config(kind), size=32)
    observation = encoder.observe(pictures(1))
    before = encoder.run(observation)[1]
    for place in (0, 5, 15):
        values = observation.values.clone()
        values[:, place] = 0
        moved = (encoder.run(replace(observation, values=values))[1] - before).norm(dim=-1)
        assert moved.argmax() == place


def test_the_target_is_the_raw_picture_whatever_is_trained(build, config, pictures):
    inputs = pictures()
    values = [
        build("hf_image", weights=config("vit"), size=32, trainable=trainable).observe(inputs).values
        for trainable in ("none", "all")
    ]
    assert_close(values[0], values[1])
    assert not values[1].requires_grad


@pytest.mark.parametrize("wrong", [{"hides": "output"}, {"target": "network"}])
@pytest.mark.parametrize("trainable", ["all", "last:1", "lora"])
def test_a_network_in_training_cannot_be_its_own_target(build, config, trainable, wrong):
    with pytest.raises(ConfigError, match="cannot be its own target"):
        build("hf_image", weights=config("vit"), size=32, trainable=trainable, **wrong)


def test_a_frozen_network_can_be_the_target(build, config, pictures):
    encoder = build("hf_image", weights=config("vit"), size=32, target="network")
    observation = encoder.observe(pictures())
    assert_close(observation.target, encoder.run(observation)[1])
    assert not observation.target.requires_grad


def test_outputs_kept_from_before_give_the_same_tokens(build, config, pictures):
    inputs = pictures()
    for output, count in (("tokens", 17), ("pooled", 1)):
        encoder = build("hf_image", weights=config("vit"), size=32, hides="output", output=output)
        kept = encoder.extract(inputs)
        assert kept.values.shape == (2, count, 32)
        assert kept.values.dtype == torch.float16
        assert torch.equal(encoder(kept).values, encoder(inputs).values)


def test_pooled_means_that_nothing_can_be_hidden_and_one_token_comes_out(build, config, pictures):
    encoder = build("hf_image", weights=config("vit"), size=32, output="pooled", trainable="all")
    observation = encoder.observe(pictures())
    assert observation.lengths.tolist() == [0, 0]
    tokens = encoder.encode(observation)
    assert tokens.values.shape == (2, 1, 16)
    whole = build("hf_image", weights=config("vit"), size=32, trainable="all")
    whole.load_state_dict(encoder.state_dict())
    inputs = pictures()
    assert_close(encoder(inputs).values[:, 0], whole(inputs).summary)


def test_another_size_than_the_checkpoints_is_refused(build, checkpoint, sees, pictures):
    folder = checkpoint("vit", sees())
    with pytest.raises(
        ConfigError, match=r"sees 32 x 32 pixels, the data's transform makes 64; set transform.size: 32"
    ):
        build("hf_image", weights=folder, size=64)
    encoder = build("hf_image", weights=folder, size=32)
    with pytest.raises(ContractError, match="built for 32 pixels a side"):
        encoder.observe(pictures(size=16))


def test_a_checkpoint_that_does_not_say_how_bytes_become_numbers_is_refused(build, checkpoint):
    with pytest.raises(ConfigError, match=r"no preprocessor_config.json; say mean and std"):
        build("hf_image", weights=checkpoint("vit"), size=32)
    encoder = build("hf_image", weights=checkpoint("vit"), size=32, mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.4])
    assert_close(encoder.normalize.mean.flatten(), torch.tensor([127.5, 102.0, 76.5]))


def test_a_checkpoint_that_does_not_hold_all_weights_is_refused(build, checkpoint, tmp_path):
    shutil.copytree(checkpoint("vit"), tmp_path / "deeper")
    described = json.loads((tmp_path / "deeper" / "config.json").read_text())
    (tmp_path / "deeper" / "config.json").write_text(json.dumps({**described, "num_hidden_layers": 3}))
    with pytest.raises(ConfigError, match=r"does not hold 16 of the network's tensors, such as 'layers.2"):
        build("hf_image", weights=str(tmp_path / "deeper"), size=32)


def test_a_folder_without_weights_says_so(build, tmp_path):
    with pytest.raises(ConfigError, match="hf_image: cannot load weights from"):
        build("hf_image", weights=str(tmp_path), size=32)


def test_a_wrong_config_says_what_transformers_says(build):
    with pytest.raises(ConfigError, match=r"hf_image: weights is a config that transformers refuses: .*vitt"):
        build("hf_image", weights={"model_type": "vitt"}, size=32)
