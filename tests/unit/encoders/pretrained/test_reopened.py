"""Networks of every kind are built again from what a run kept of their checkpoints, and from its own weights."""

import json
import shutil

import pytest
import torch
from torch.testing import assert_close

from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.structures import Inputs

TEXT = {"vocabulary": 30, "max_tokens": 8, "mask_id": 4, "start_id": 2, "end_id": 3}
TOWER = {"vocabulary": 31, "max_tokens": 6, "mask_id": 30, "start_id": 28, "end_id": 29}


def extractor():
    from transformers import Wav2Vec2FeatureExtractor

    return Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=16_000, do_normalize=True)


@pytest.fixture
def cases(checkpoint, towers, sees, pictures, clips):
    """By kind of network: encoder, its arguments but the weights, the weights and inputs."""
    ids = Inputs(torch.tensor([[5, 6, 7], [8, 9, 0]]), torch.tensor([3, 2]))
    stretches = Inputs(torch.randn(2, 4, 64), torch.tensor([4, 2]))
    video = {"size": 16, "frames": 4, "mean": [0.5] * 3, "std": [0.5] * 3}
    lora = {"trainable": "lora"}
    return {
        "vit": ("hf_image", {"size": 32, **lora}, checkpoint("vit", sees()), pictures()),
        "convnext": ("hf_image", {"size": 32}, checkpoint("convnext", sees()), pictures()),
        "clip": ("hf_image", {"size": 32}, checkpoint("clip", sees()), pictures()),
        "bert": ("hf_text", {**TEXT, "keep": 1}, checkpoint("bert"), ids),
        "t5": ("hf_text", TEXT, checkpoint("t5"), ids),
        "videomae": ("hf_video", video, checkpoint("videomae"), clips(4)),
        "wav2vec2": ("hf_audio", {"chunk": 64, "rate": 16_000}, checkpoint("wav2vec2", extractor()), stretches),
        "towers_image": ("open_clip_image", {"size": 32}, towers, pictures()),
        "towers_text": ("open_clip_text", TOWER, towers, ids),
    }


@pytest.mark.parametrize(
    "kind", ["vit", "convnext", "clip", "bert", "t5", "videomae", "wav2vec2", "towers_image", "towers_text"]
)
def test_a_network_is_the_same_after_its_checkpoint_is_gone(kind, cases, build, tmp_path):
    name, arguments, weights, inputs = cases[kind]
    place, run = tmp_path / "weights", tmp_path / "run"
    shutil.copytree(weights, place)
    torch.manual_seed(0)
    with blueprints(keep=run):
        before = build(name, weights=str(place), **arguments)
    shutil.rmtree(place)
    assert not [path for path in run.rglob("*") if path.suffix in (".safetensors", ".bin", ".pt")]
    with blueprints(reuse=run):
        after = build(name, weights=str(place), **arguments)
    after.load_state_dict(before.state_dict())
    with torch.no_grad():
        assert_close(after(inputs).values, before(inputs).values)


def test_an_architecture_that_open_clip_knows_by_name_is_kept_too(tmp_path, monkeypatch):
    import open_clip
    from safetensors.torch import save_file

    from m5kit.nn.pretrained import contrastive

    small = {
        "embed_dim": 8,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 16, "layers": 1, "head_width": 8},
        "text_cfg": {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1},
    }
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny", small)
    file = tmp_path / "tiny.safetensors"
    save_file({k: v.contiguous() for k, v in open_clip.CLIP(**small).state_dict().items()}, file)
    with blueprints(keep=tmp_path / "run"):
        before, facts = contrastive.load_towers(f"tiny/{file}", "open_clip_image")
    file.unlink()
    with blueprints(reuse=tmp_path / "run"):
        after, again = contrastive.load_towers(f"tiny/{file}", "open_clip_image")
    assert json.loads(json.dumps(facts)) == again
    assert {k: v.shape for k, v in after.state_dict().items()} == {k: v.shape for k, v in before.state_dict().items()}
