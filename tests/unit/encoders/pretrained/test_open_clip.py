"""Both towers of open_clip's models."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.structures import Inputs

TEXT = {"vocabulary": 31, "max_tokens": 6, "mask_id": 30, "start_id": 28, "end_id": 29}


def library_model(folder):
    import open_clip

    return open_clip.create_model(f"local-dir:{folder}").eval()


def test_a_saved_tower_sees_what_it_sees_in_its_own_library(build, towers, pictures):
    encoder, inputs = build("open_clip_image", weights=towers, size=32), pictures()
    summary, tokens = encoder.run(encoder.observe(inputs))
    model = library_model(towers)
    mean, std = (torch.tensor(x).view(3, 1, 1) for x in ([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))
    with torch.no_grad():
        pooled = model.encode_image((inputs.values / 255 - mean) / std)
    assert tokens.shape == (2, 16, 32)
    assert_close(summary @ model.visual.proj, pooled, atol=1e-5, rtol=1e-4)


def test_a_saved_text_tower_reads_what_it_reads_in_its_own_library(build, towers):
    encoder = build("open_clip_text", weights=towers, **TEXT)
    inputs = Inputs(torch.tensor([[5, 6, 7], [8, 9, 0]]), torch.tensor([3, 2]))
    summary, _ = encoder.run(encoder.observe(inputs))
    ids = torch.zeros(2, 12, dtype=torch.int64)
    ids[0, :5], ids[1, :4] = torch.tensor([28, 5, 6, 7, 29]), torch.tensor([28, 8, 9, 29])
    model = library_model(towers)
    with torch.no_grad():
        assert_close(summary @ model.text_projection, model.encode_text(ids), atol=1e-5, rtol=1e-4)


def test_resnets_and_their_grid_work_too(build, config, pictures):
    encoder = build("open_clip_image", weights=config("resnet"), size=64, trainable="all").train()
    tokens = encoder(pictures(size=64))
    assert tokens.values.shape == (2, 5, 16)
    norms = [m for m in encoder.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)


def test_each_patch_stands_for_its_own_token(build, config, pictures):
    encoder = build("open_clip_image", weights=config("towers"), size=32)
    observation = encoder.observe(pictures(1))
    values = observation.values.clone()
    values[:, 7] = 0
    moved = encoder.run(replace(observation, values=values))[1] - encoder.run(observation)[1]
    assert moved.norm(dim=-1).argmax() == 7


def test_a_hidden_word_has_a_vector_of_its_own(build, towers):
    encoder = build("open_clip_text", weights=towers, **TEXT)
    words = encoder.backbone.network.words.weight
    assert words.shape == (31, 32)
    assert_close(words[30], words[:30].mean(0))


def test_lora_reaches_attention_and_perceptrons(build, config, pictures):
    encoder = build("open_clip_image", weights=config("towers"), size=32, trainable="lora:2")
    learned = [name for name, p in encoder.backbone.named_parameters() if p.requires_grad]
    assert all("lora_" in name for name in learned)
    assert any(".attn." in name for name in learned)
    assert any(".mlp.c_fc." in name for name in learned)
    encoder(pictures()).values.square().sum().backward()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "no/such-tag", "size": 32}, "open_clip_image: weights 'no/such-tag' could not be loaded"),
        ({"weights": {"embed": 3}, "size": 32}, "a config that open_clip refuses"),
    ],
)
def test_what_is_not_there_is_one_clear_error(build, monkeypatch, arguments, message):
    monkeypatch.setenv("M5KIT_OFFLINE", "1")
    with pytest.raises(ConfigError, match=message):
        build("open_clip_image", **arguments)


def test_too_long_texts_and_too_many_words_are_refused(build, config):
    with pytest.raises(ConfigError) as caught:
        build("open_clip_text", weights=config("towers"), **{**TEXT, "vocabulary": 99, "max_tokens": 20})
    assert caught.value.problems == (
        "open_clip_text: the transform knows 99 ids, the tower 30",
        "open_clip_text: a text may have 22 tokens with start and end, the tower knows 12 positions; lower the "
        "transform's max_tokens",
    )
