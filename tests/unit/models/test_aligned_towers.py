"""Towers that come aligned: before any training, search and zero-shot classes are those of the towers' own library."""

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import normalize
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.models.backbone import Backbone
from m5kit.registry import ENCODERS, FUSIONS, HARMONIZERS
from m5kit.structures import Batch, Inputs

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
VISION = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16}
TEXT = {"context_length": 12, "vocab_size": 30, "width": 32, "heads": 2, "layers": 2}
CLIP = {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT}
SIGLIP = {
    "embed_dim": 32,
    "custom_text": True,
    "vision_cfg": {**VISION, "pool_type": "avg"},
    "text_cfg": {**TEXT, "no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
}
IDS = {"vocabulary": 31, "max_tokens": 6, "mask_id": 30, "start_id": 28, "end_id": 29}
SIDES = ("image", "text")


def aligned_backbone(features=16, **encoders):
    modalities = tuple(sorted(encoders))
    return Backbone(
        encoders=encoders,
        fusion=FUSIONS.build({"type": "mean"}, dim=24, modalities=modalities),
        harmonizer=HARMONIZERS.build({"type": "uniform"}),
        features=features,
    ).eval()


def tower(kind, **arguments):
    return ENCODERS.build({"type": kind, "dim": 24, **arguments})


def items(**inputs):
    count = len(next(iter(inputs.values())).values)
    names = tuple(sorted(inputs))
    return Batch(tuple(map(str, range(count))), names, torch.ones(count, len(names), dtype=torch.bool), inputs)


def pictures(count=3):
    return Inputs(torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8), torch.ones(count, dtype=torch.int64))


def texts(last=27):
    return Inputs(torch.randint(4, last, (3, 6)), torch.tensor([6, 2, 4]))


def framed(inputs, size, start=28, end=29, padding=0):
    """The ids as the towers' own tokenizers pad them."""
    ids = torch.full((len(inputs.values), size), padding)
    for row, length in enumerate(inputs.lengths.tolist()):
        ids[row, : length + 2] = torch.tensor([start, *inputs.values[row, :length].tolist(), end])
    return ids


def own_pictures(inputs):
    return inputs.values / 127.5 - 1


@torch.no_grad()
def agree(backbone, batch, one, other, scale):
    """Scores of every pair, with the logit scale, and the classes that they choose."""
    view = backbone(batch)
    first, second = (normalize(view.features[:, column], dim=-1) for column in (0, 1))
    wanted = scale * normalize(one, dim=-1) @ normalize(other, dim=-1).mT
    assert_close(scale * first @ second.mT, wanted, atol=1e-5, rtol=1e-5)
    assert torch.equal((first @ second.mT).argmax(1), wanted.argmax(1))


@pytest.mark.parametrize("config", [CLIP, SIGLIP], ids=["clip", "siglip"])
@pytest.mark.parametrize("trainable", ["none", "all"])
def test_open_clips_towers(config, trainable, open_clip_folder):
    import open_clip

    folder = open_clip_folder(config)
    parts = {"weights": folder, "trainable": trainable}
    backbone = aligned_backbone(
        config["embed_dim"],
        image=tower("open_clip_image", size=32, **parts),
        text=tower("open_clip_text", **IDS, **parts),
    )
    model = open_clip.create_model(f"local-dir:{folder}").eval()
    batch = items(image=pictures(), text=texts())
    padding = int(getattr(getattr(model, "text", model), "pad_id", 0) or 0)
    with torch.no_grad():
        seen = model.encode_image(own_pictures(batch.inputs["image"]))
        read = model.encode_text(framed(batch.inputs["text"], 12, padding=padding))
        agree(backbone, batch, seen, read, model.logit_scale.exp())


@pytest.mark.parametrize("kind", ["clip", "siglip", "chinese_clip"])
@pytest.mark.parametrize("output", ["tokens", "pooled"])
def test_towers_of_transformers(kind, output, dual_folder):
    folder, model = dual_folder(kind)
    reads = {"max_tokens": 6, "vocabulary": 30, "mask_id": 27, "start_id": 28, "end_id": 29}
    parts = {"weights": folder, "output": output}
    image, text = tower("hf_image", size=32, **parts), tower("hf_text", **reads, **parts)
    backbone = aligned_backbone(image.given, image=image, text=text)
    batch = items(image=pictures(), text=texts())
    padding = model.config.text_config.pad_token_id or 0
    ids = framed(batch.inputs["text"], 8, padding=padding)
    real = None if kind == "siglip" else (torch.arange(8) < (batch.inputs["text"].lengths + 2)[:, None]).long()
    with torch.no_grad():
        seen = model.get_image_features(pixel_values=own_pictures(batch.inputs["image"])).pooler_output
        read = model.get_text_features(input_ids=ids, attention_mask=real).pooler_output
        agree(backbone, batch, seen, read, model.logit_scale.exp() if hasattr(model, "logit_scale") else 1.0)


def test_clap_hears_and_reads_in_one_space(dual_folder):
    folder, model = dual_folder("clap")
    reads = {"max_tokens": 6, "vocabulary": 30, "mask_id": 27, "start_id": 28, "end_id": 29}
    audio = tower("hf_spectrogram", mels=16, steps=256, weights=folder)
    text = tower("hf_text", weights=folder, **reads)
    backbone = aligned_backbone(8, audio=audio, text=text)
    sounds = Inputs(torch.randn(3, 256, 16), torch.tensor([256, 256, 256]))
    batch = items(audio=sounds, text=texts())
    ids = framed(batch.inputs["text"], 8, padding=1)
    real = (torch.arange(8) < (batch.inputs["text"].lengths + 2)[:, None]).long()
    with torch.no_grad():
        heard = model.get_audio_features(sounds.values[:, None]).pooler_output
        read = model.get_text_features(input_ids=ids, attention_mask=real).pooler_output
        agree(backbone, batch, heard, read, model.logit_scale_a.exp())


def test_what_a_task_hides_of_a_frozen_towers_output_leaves_its_vector():
    encoder = tower("open_clip_image", size=32, weights=CLIP, hides="output").eval()
    seen = encoder.observe(pictures())
    hidden = replace(seen, values=torch.zeros_like(seen.values))
    assert torch.equal(encoder.encode(hidden).given, encoder.encode(seen).given)
    assert encoder.encode(seen).given.norm(dim=1).min() > 0


def test_additions_begin_at_zero_and_learn():
    backbone = aligned_backbone(
        image=tower("open_clip_image", size=32, weights=CLIP), text=tower("open_clip_text", **IDS, weights=CLIP)
    )
    features = backbone(items(image=pictures(), text=texts())).features
    assert_close(features.norm(dim=-1), torch.ones(3, 2))
    features[:, 0].sum().backward()
    assert backbone.projections["image"].gate.grad.abs() > 0
    assert all(p.grad is None for p in backbone.encoders["image"].projection.parameters())


def test_another_width_is_one_clear_error():
    with pytest.raises(ConfigError) as caught:
        aligned_backbone(24, image=tower("open_clip_image", size=32, weights=CLIP))
    assert caught.value.problems == (
        "model.features: 24 is not the width 16 of the space that encoder_image's weights were aligned in; set "
        "model.features=16, so that the run begins with what the tower knows",
    )


@pytest.mark.parametrize("changes", [{"keep": 1}, {"pooling": "mean"}], ids=["blocks cut off", "read in another way"])
def test_what_no_longer_fits_the_projection_gives_it_up(changes, dual_folder):
    folder, _ = dual_folder("clip")
    reads = {"max_tokens": 6, "vocabulary": 30, "mask_id": 27, "start_id": 28, "end_id": 29}
    assert not tower("hf_text", weights=folder, **reads, **changes).aligned


@pytest.fixture
def open_clip_folder(tmp_path):
    import json

    import open_clip
    from safetensors.torch import save_file

    def make(config):
        torch.manual_seed(1)
        known = {key: value for key, value in config.items() if key != "custom_text"}
        model = (open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP)(**known)
        state = {name: value.contiguous() for name, value in model.state_dict().items()}
        save_file(state, tmp_path / "open_clip_model.safetensors")
        facts = {"size": 32, "mean": [0.5] * 3, "std": [0.5] * 3}
        text = json.dumps({"model_cfg": config, "preprocess_cfg": facts})
        (tmp_path / "open_clip_config.json").write_text(text)
        return str(tmp_path)

    return make


@pytest.fixture
def dual_folder(tmp_path):
    from transformers import AutoConfig, AutoModel, ViTImageProcessor

    words = {**SMALL, "vocab_size": 30, "bos_token_id": 28, "eos_token_id": 29, "max_position_embeddings": 8}
    sees = {**SMALL, "image_size": 32, "patch_size": 8}
    configs = {
        "clip": {"vision_config": sees, "text_config": words, "projection_dim": 16},
        "siglip": {"vision_config": sees, "text_config": {**words, "pad_token_id": 1}},
        "chinese_clip": {"vision_config": sees, "text_config": words, "projection_dim": 16},
        "clap": {
            "projection_dim": 8,
            "audio_config": {
                "window_size": 2,
                "num_mel_bins": 16,
                "spec_size": 64,
                "patch_size": 4,
                "patch_stride": [4, 4],
                "hidden_size": 32,
                "depths": [1, 1],
                "num_attention_heads": [2, 2],
                "patch_embeds_hidden_size": 16,
                "num_hidden_layers": 2,
            },
            "text_config": {**SMALL, "vocab_size": 30, "max_position_embeddings": 12},
        },
    }

    def make(kind):
        torch.manual_seed(1)
        model = AutoModel.from_config(AutoConfig.for_model(kind, **configs[kind])).eval()
        model.save_pretrained(tmp_path)
        if kind != "clap":
            size = {"height": 32, "width": 32}
            ViTImageProcessor(size=size, image_mean=[0.5] * 3, image_std=[0.5] * 3).save_pretrained(tmp_path)
        return str(tmp_path), model

    return make
