"""A run is complete in itself: it is evaluated, embedded, resumed and built upon after its checkpoints are gone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def save_checkpoints(folder):
    """A BERT with its tokenizer, a ViT with its processor, an open_clip model: as users would have them."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import AutoModel, BertConfig, PreTrainedTokenizerFast, ViTConfig, ViTImageProcessor

    torch.manual_seed(0)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(["red mug green cup"] * 3, trainers.WordPieceTrainer(special_tokens=special))
    names = {f"{word[1:-1].lower()}_token": word for word in special}
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)
    made.save_pretrained(folder / "bert")
    AutoModel.from_config(BertConfig(vocab_size=len(made), **SMALL)).save_pretrained(folder / "bert")
    AutoModel.from_config(ViTConfig(image_size=32, patch_size=8, **SMALL)).save_pretrained(folder / "vit")
    size = {"height": 32, "width": 32}
    ViTImageProcessor(size=size, image_mean=[0.4] * 3, image_std=[0.2] * 3).save_pretrained(folder / "vit")


def leaf(folder):
    return f"""
_base_: [{ROOT}/configs/demo/scale.yaml]
encoder_text: {{_replace_: true, type: hf_text, weights: {folder}/bert, trainable: all}}
encoder_image: {{_replace_: true, type: hf_image, weights: {folder}/vit, hides: output}}
input_text: {{transform: {{_replace_: true, type: hf_tokenize, weights: {folder}/bert, max_tokens: 16}}}}
input_image: {{transform: {{size: 32}}}}
encoder_table: none
encoder_video: none
encoder_audio: none
model: {{dim: 16}}
schedule: {{max_steps: 4, batch_size: 8}}
checkpoint: {{every_steps: 2}}
data: {{workers: 0, train: [train]}}
evaluation: {{_replace_: true, clustering: {{type: clustering, split: test, label: coarse}}}}
"""


@pytest.mark.slow
def test_a_run_outlives_its_checkpoints(demo, tool, tmp_path):
    save_checkpoints(tmp_path)
    (tmp_path / "leaf.yaml").write_text(leaf(tmp_path), encoding="utf-8")
    run, train = tmp_path / "run", ["tools/train.py", tmp_path / "leaf.yaml", "--data", demo]
    tool(*train, "--run-dir", run)
    kept = sorted(path.name for path in (run / "pretrained").iterdir())
    assert [name.rpartition("-")[0] for name in kept] == ["bert", "vit"]
    assert not list((run / "pretrained").rglob("*.safetensors"))
    before = json.loads((run / "results.json").read_text())["results"]
    tool("tools/embed.py", run, "--data", demo, "--out", tmp_path / "before.npz")
    stopped = tmp_path / "stopped"
    shutil.copytree(run, stopped)
    shutil.rmtree(stopped / "checkpoints" / "step_0000004")
    for name in ("bert", "vit"):
        shutil.rmtree(tmp_path / name)

    again = tool("tools/evaluate.py", run, "--json")
    assert json.loads(again.stdout)["results"] == before
    tool("tools/embed.py", run, "--data", demo, "--out", tmp_path / "after.npz")
    vectors = [np.load(tmp_path / f"{name}.npz")["vector"] for name in ("before", "after")]
    assert np.array_equal(*vectors)

    tool(*train, "--run-dir", stopped, "--resume")
    from safetensors.numpy import load_file

    whole, resumed = (load_file(each / "checkpoints/step_0000004/model.safetensors") for each in (run, stopped))
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)

    upon = tmp_path / "upon"
    tool(*train, "--run-dir", upon, "--set", f"init.run={run}")
    assert sorted(path.name for path in (upon / "pretrained").iterdir()) == kept

    fresh = tool(*train, "--run-dir", tmp_path / "fresh", check=False)
    assert fresh.returncode == 2
    assert "could not be had from the hub" in fresh.stderr or "neither a local folder" in fresh.stderr
