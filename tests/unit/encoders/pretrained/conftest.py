"""Tiny checkpoints of every class of network, saved once a session as a user would find them."""

import json

import pytest
import torch

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
HEARS = {
    **SMALL,
    "conv_dim": [8, 8],
    "conv_stride": [4, 4],
    "conv_kernel": [4, 4],
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
CONFIGS = {
    "vit": {"model_type": "vit", **SMALL, "image_size": 32, "patch_size": 8},
    "dinov2": {"model_type": "dinov2", **SMALL, "mlp_ratio": 1, "image_size": 32, "patch_size": 8},
    "dinov2_registers": {
        "model_type": "dinov2_with_registers",
        **SMALL,
        "mlp_ratio": 1,
        "image_size": 32,
        "patch_size": 8,
        "num_register_tokens": 4,
    },
    "siglip": {"model_type": "siglip_vision_model", **SMALL, "image_size": 32, "patch_size": 8},
    "clip": {
        "model_type": "clip",
        "vision_config": {**SMALL, "image_size": 32, "patch_size": 8},
        "text_config": {**SMALL, "vocab_size": 30, "bos_token_id": 2, "eos_token_id": 3, "max_position_embeddings": 8},
    },
    "convnext": {"model_type": "convnext", "hidden_sizes": [8, 8, 8, 32], "depths": [1, 1, 1, 1], "image_size": 32},
    "swin": {
        "model_type": "swin",
        "embed_dim": 8,
        "depths": [1, 1],
        "num_heads": [2, 2],
        "window_size": 2,
        "image_size": 32,
        "patch_size": 4,
    },
    "bert": {"model_type": "bert", **SMALL, "vocab_size": 30, "max_position_embeddings": 12},
    "roberta": {"model_type": "roberta", **SMALL, "vocab_size": 30, "max_position_embeddings": 12, "pad_token_id": 1},
    "t5": {
        "model_type": "t5",
        "vocab_size": 30,
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 32,
        "num_layers": 1,
        "num_heads": 2,
    },
    "videomae": {
        "model_type": "videomae",
        **SMALL,
        "image_size": 16,
        "patch_size": 8,
        "num_frames": 4,
        "tubelet_size": 2,
    },
    "timesformer": {"model_type": "timesformer", **SMALL, "image_size": 16, "patch_size": 8, "num_frames": 4},
    "vivit": {"model_type": "vivit", **SMALL, "image_size": 16, "tubelet_size": [2, 8, 8], "num_frames": 4},
    "vjepa2": {
        "model_type": "vjepa2",
        **SMALL,
        "mlp_ratio": 1,
        "crop_size": 16,
        "patch_size": 8,
        "frames_per_clip": 4,
        "tubelet_size": 2,
        "pred_hidden_size": 24,
        "pred_num_attention_heads": 2,
        "pred_num_hidden_layers": 1,
    },
    "wav2vec2": {"model_type": "wav2vec2", **HEARS},
    "hubert": {"model_type": "hubert", **HEARS},
    "ast": {
        "model_type": "audio-spectrogram-transformer",
        **SMALL,
        "patch_size": 4,
        "frequency_stride": 3,
        "time_stride": 3,
        "max_length": 64,
        "num_mel_bins": 16,
    },
    "whisper": {
        "model_type": "whisper",
        "d_model": 32,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "decoder_ffn_dim": 32,
        "num_mel_bins": 8,
        "max_source_positions": 20,
        "vocab_size": 30,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 1,
    },
    "clap": {
        "model_type": "clap",
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
            "enable_fusion": True,
        },
        "text_config": {**SMALL, "vocab_size": 30},
    },
}
TOWERS = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 30, "width": 32, "heads": 2, "layers": 2},
}
RESNET = {**TOWERS, "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None}}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def config():
    return lambda kind: {"towers": TOWERS, "resnet": RESNET, **CONFIGS}[kind]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A folder with the weights of a tiny network, and whatever ``beside`` saves into it."""
    made = {}

    def make(kind, *beside):
        if (kind, len(beside)) not in made:
            from transformers import AutoConfig, AutoModel

            folder = tmp_path_factory.mktemp(kind)
            torch.manual_seed(1)
            AutoModel.from_config(AutoConfig.for_model(**CONFIGS[kind])).save_pretrained(folder)
            for each in beside:
                each.save_pretrained(folder)
            made[kind, len(beside)] = folder
        return str(made[kind, len(beside)])

    return make


@pytest.fixture(scope="session")
def sees():
    """What prepares the pictures of a checkpoint."""
    from transformers import ViTImageProcessor

    def make(size=32):
        return ViTImageProcessor(
            size={"height": size, "width": size}, image_mean=[0.5, 0.4, 0.3], image_std=[0.2, 0.3, 0.4]
        )

    return make


@pytest.fixture(scope="session")
def towers(tmp_path_factory):
    """A folder as open_clip finds it."""
    import open_clip
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("towers")
    torch.manual_seed(1)
    model = open_clip.CLIP(**TOWERS)
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    facts = {"size": 32, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": TOWERS, "preprocess_cfg": facts}))
    return str(folder)


@pytest.fixture
def pictures():
    from m5kit.structures import Inputs

    def make(count=2, size=32):
        values = torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8)
        return Inputs(values, torch.ones(count, dtype=torch.int64))

    return make


@pytest.fixture
def clips():
    from m5kit.structures import Inputs

    def make(*lengths, size=16):
        values = torch.randint(0, 256, (len(lengths), max(lengths), 3, size, size), dtype=torch.uint8)
        return Inputs(values, torch.tensor(lengths))

    return make


@pytest.fixture
def build():
    from m5kit.registry import ENCODERS

    def make(kind, **arguments):
        return ENCODERS.build({"type": kind, "dim": 16, **arguments}).eval()

    return make
