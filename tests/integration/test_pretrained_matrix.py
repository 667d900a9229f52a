"""Every encoder with networks that begin at random: two steps and an evaluation through the tools, on media.

``M5KIT_MATRIX_DATA`` names another folder of items than the demo set. The matrix in the docs holds the same cases; with
``M5KIT_MATRIX_WRITE=1`` each case that passes is noted there under the folder's name.
"""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import m5kit
from m5kit.errors import ConfigError
from m5kit.interchange.onnx import write_onnx

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "pretrained-encoders.md"
SIZES = "hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16"
SIGHT = f"{SIZES}, image_size: 32, patch_size: 8"
CLIP = (
    "{embed_dim: 8, vision_cfg: {image_size: 32, patch_size: 8, width: 16, layers: 1, head_width: 8}, "
    "text_cfg: {context_length: 32, vocab_size: 49408, width: 16, heads: 2, layers: 1}}"
)
HEARS = (
    f"{SIZES}, conv_dim: [8, 8], conv_stride: [10, 16], conv_kernel: [10, 16], num_feat_extract_layers: 2, "
    "num_conv_pos_embeddings: 4, num_conv_pos_embedding_groups: 2"
)
WINDOW = "{type: log_mel, seconds: 1.49, rate: 16000, mels: 16}"
PICTURE, FRAMES = "{type: image, size: 32}", "{type: frames, size: 32, frames: 4}"
SAMPLES = "{type: waveform, seconds: 1.0, chunk: 1600}"


def vision(weights, more=""):
    return "image", f"{{type: hf_image, weights: {{{weights}}}{more}}}", PICTURE


def video(weights):
    return "video", f"{{type: hf_video, weights: {{{weights}, num_frames: 4}}}}", FRAMES


def spectrogram(weights):
    return "audio", f"{{type: hf_spectrogram, weights: {{{weights}}}, patch: 16}}", WINDOW


CASES = {
    "hf_image: ViT": vision(f"model_type: vit, {SIGHT}", ", trainable: 'last:1'"),
    "hf_image: DINOv2": vision(f"model_type: dinov2, {SIGHT}", ", hides: output"),
    "hf_image: SigLIP": vision(f"model_type: siglip_vision_model, {SIGHT}", ", trainable: lora"),
    "hf_image: ConvNeXt": vision(
        "model_type: convnext, hidden_sizes: [8, 8, 8, 16], depths: [1, 1, 1, 1], image_size: 32"
    ),
    "open_clip_image: ViT": ("image", f"{{type: open_clip_image, weights: {CLIP}, trainable: all}}", PICTURE),
    "hf_text: BERT": (
        "text",
        f"{{type: hf_text, weights: {{model_type: bert, {SIZES}, vocab_size: 9000}}, trainable: all}}",
        "{type: tokenize, max_tokens: 16}",
    ),
    "open_clip_text: CLIP": (
        "text",
        f"{{type: open_clip_text, weights: {CLIP}, trainable: all}}",
        "{type: open_clip_tokenize, max_tokens: 16}",
    ),
    "table_serialised: BERT": (
        "table",
        f"{{type: table_serialised, weights: {{model_type: bert, {SIZES}, vocab_size: 9000}}, trainable: all}}",
        "{type: properties, max_tokens: 32}",
    ),
    "table_columns": ("table", "{type: table_columns, layers: 1}", "{type: columns}"),
    "frames_image: ViT": (
        "video",
        f"{{type: frames_image, frame: {{type: hf_image, weights: {{model_type: vit, {SIGHT}}}}}}}",
        FRAMES,
    ),
    "hf_video: VideoMAE": video(f"model_type: videomae, {SIGHT}, tubelet_size: 2"),
    "hf_video: TimeSformer": video(f"model_type: timesformer, {SIGHT}"),
    "hf_video: V-JEPA 2": (
        "video",
        "{type: hf_video, weights: {model_type: vjepa2, crop_size: 32, patch_size: 8, frames_per_clip: 4, "
        f"{SIZES}, mlp_ratio: 1, pred_hidden_size: 24, pred_num_attention_heads: 2, pred_num_hidden_layers: 1}}}}",
        FRAMES,
    ),
    "hf_audio: Wav2Vec2": ("audio", f"{{type: hf_audio, weights: {{model_type: wav2vec2, {HEARS}}}}}", SAMPLES),
    "hf_audio: HuBERT": ("audio", f"{{type: hf_audio, weights: {{model_type: hubert, {HEARS}}}}}", SAMPLES),
    "hf_spectrogram: AST": spectrogram(
        f"model_type: audio-spectrogram-transformer, {SIZES}, num_mel_bins: 16, max_length: STEPS"
    ),
    "hf_spectrogram: Whisper": spectrogram(
        "model_type: whisper, d_model: 16, encoder_layers: 1, encoder_attention_heads: 2, encoder_ffn_dim: 16, "
        "decoder_layers: 1, decoder_attention_heads: 2, num_mel_bins: 16, max_source_positions: HALF"
    ),
    "hf_spectrogram: CLAP": spectrogram(
        "model_type: clap, projection_dim: 96, audio_config: {window_size: 2, num_mel_bins: 16, spec_size: 64, "
        "patch_size: 4, patch_stride: [4, 4], hidden_size: 32, depths: [1, 1], num_attention_heads: [2, 2], "
        "num_hidden_layers: 2, patch_embeds_hidden_size: 16}"
    ),
    "features": (
        "image",
        "{type: features, positions: false, norm: post}",
        "{type: features, width: 6, max_tokens: 4, boxes: true}",
    ),
}
GRAPHS = (
    "open_clip_image: ViT",
    "hf_text: BERT",
    "open_clip_text: CLIP",
    "hf_video: TimeSformer",
    "hf_spectrogram: AST",
)
"""One of each code, to be recorded; that takes a quarter of a minute."""
NO_GRAPHS = ("hf_audio: Wav2Vec2",)
MODALITIES = ("audio", "image", "table", "text", "video")


def steps():
    """Time steps of the spectrograms in ``WINDOW``, an even number so that Whisper halves it."""
    from m5kit.registry import TRANSFORMS

    return TRANSFORMS.build({"type": "log_mel", "seconds": 1.49, "rate": 16000, "mels": 16}).provides()["steps"]


@pytest.fixture(scope="session")
def media(demo, tmp_path_factory):
    """A folder of items: those of the demo set, unless another is named; and one in which pictures are features."""
    given = Path(os.environ.get("M5KIT_MATRIX_DATA", demo)).resolve()
    folder = tmp_path_factory.mktemp("features")
    rows = [json.loads(line) for line in (given / "annotations.jsonl").read_text(encoding="utf-8").splitlines()]
    rng = np.random.default_rng(0)
    for i, row in enumerate(rows):
        if row.get("image"):
            np.savez(folder / f"{i}.npz", features=rng.normal(size=(3, 6)), boxes=np.full((3, 4), 0.25))
            row.update(image=f"{i}.npz", video=None, audio=None)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "annotations.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"media": given, "features": folder}


def config_text(case, modality, encoder, transform):
    """A leaf with this encoder and one other, compact one."""
    other = "table" if modality == "text" else "text"
    decoder = "\n  decoder: {_replace_: true, type: features}" if case == "features" else ""
    drops = "\n".join(f"encoder_{m}: none" for m in MODALITIES if m not in (modality, other))
    return f"""
_base_: [{ROOT}/configs/demo/scale.yaml]
encoder_{modality}: {{_replace_: true, {encoder[1:]}
input_{modality}:{decoder}
  transform: {{_replace_: true, {transform[1:]}
{drops}
model: {{dim: 16, features: {8 if "open_clip" in encoder else 96}}}
schedule: {{max_steps: 2, batch_size: 8}}
data: {{workers: 0, train: [train]}}
evaluation: {{_replace_: true, clustering: {{type: clustering, split: test, label: coarse}}}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_encoder_trains_two_steps_and_is_evaluated(case, media, tool, tmp_path):
    modality, encoder, transform = CASES[case]
    if "STEPS" in encoder or "HALF" in encoder:
        encoder = encoder.replace("STEPS", str(steps())).replace("HALF", str(steps() // 2))
    data, run = media["features" if case == "features" else "media"], tmp_path / "run"
    rows = [json.loads(line) for line in (data / "annotations.jsonl").read_text(encoding="utf-8").splitlines()]
    if not any(row.get(modality) for row in rows):
        pytest.skip(f"no item has {modality}")
    leaf = tmp_path / "leaf.yaml"
    leaf.write_text(config_text(case, modality, encoder, transform), encoding="utf-8")
    tool("tools/train.py", leaf, "--data", data, "--run-dir", run)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert f"loss/masked_{modality}" in rows[-1]
    assert np.isfinite(rows[-1]["loss"])
    assert json.loads((run / "results.json").read_text())["results"]
    check_graph(case, run, modality, tmp_path / "graph")
    if os.environ.get("M5KIT_MATRIX_WRITE") == "1":
        PAGE.write_text(noted(PAGE.read_text(encoding="utf-8"), case, media["media"].name), encoding="utf-8")


def check_graph(case, run, modality, out):
    """A tower is recorded as a graph that gives the run's vectors, or refused with the reason."""
    if case in GRAPHS:
        write_onnx(m5kit.load(run), out, [modality])
        described = json.loads((out / "onnx.json").read_text())
        assert described["modalities"] == [modality]
        assert described["checked"]["largest_difference"] < 1e-4
    if case in NO_GRAPHS:
        with pytest.raises(ConfigError, match="groups sounds by their length, because padding changes what"):
            write_onnx(m5kit.load(run), out, [modality])
        assert not out.exists()


def noted(page, case, pack):
    """The page with ``pack`` in the last column of the case's row."""
    encoder, _, network = case.partition(": ")
    row = re.search(rf"^\| `{encoder}` \| {re.escape(network)} ?\|.*\| ([^|]*?) \|$", page, re.MULTILINE)
    packs = sorted({*filter(None, row[1].split(", ")), pack})
    return page[: row.start(1)] + ", ".join(packs) + page[row.end(1) :]


def test_a_case_that_passed_is_noted_once():
    page = "| `features` |  | image | x | y | demo |\n| `hf_image` | ViT | image | x | y |  |\n"
    for pack in ("grid", "demo", "grid"):
        page = noted(page, "features", pack)
    assert noted(page, "hf_image: ViT", "grid").splitlines() == [
        "| `features` |  | image | x | y | demo, grid |",
        "| `hf_image` | ViT | image | x | y | grid |",
    ]


def test_the_docs_hold_the_same_matrix():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| \w+ \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {f"{encoder}: {network.strip()}".removesuffix(": ") for encoder, network in rows} == set(CASES)
