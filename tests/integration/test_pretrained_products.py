"""products/pretrained on tiny towers that begin at random: no weights can be downloaded here."""

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A folder as ``hf download --local-dir`` makes it, with a model of one small layer a tower."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 1, "head_width": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    save_file(open_clip.CLIP(**config).state_dict(), folder / "open_clip_model.safetensors")
    facts = {"model_cfg": config, "preprocess_cfg": {"size": 32, "mean": [0.4] * 3, "std": [0.2] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("columns", [("image", "text"), ("image", "text", "table", "video", "audio"), ("video",)])
def test_it_runs_on_any_subset_of_modalities(tool, short, demo, clip, tmp_path, monkeypatch, columns):
    monkeypatch.setenv("M5KIT_CACHE", str(tmp_path / "cache"))
    rows = []
    for line in (demo / "annotations.jsonl").read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        kept = {name: item[name] for name in columns if item[name] is not None}
        if kept:
            rows.append({"id": item["id"], "split": item["split"], "labels": item["labels"], **kept})
    data = tmp_path / "data"
    data.mkdir()
    (data / "annotations.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (data / "media").symlink_to(demo / "media")
    weights = [f"encoder_{name}.weights={clip}" for name in ("image", "text")]
    sizes = ["model.features=16", "input_image.transform.size=32", "input_video.transform.size=32"]
    overrides = short(
        *weights, f"encoder_video.frame.weights={clip}", *sizes, "data.train=[pretrain]", "data.follow_links=true"
    )
    run = tmp_path / "run"
    tool("tools/train.py", "configs/products/pretrained.yaml", "--data", data, "--run-dir", run, *overrides)
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    assert results["skipped"] == {}
    assert ("pairs" in results["results"]) == (len(columns) > 1)


def test_without_weights_and_network_it_says_what_to_get(tool, monkeypatch):
    monkeypatch.setenv("M5KIT_OFFLINE", "1")
    done = tool("-m", "m5kit", "config", "check", "products/pretrained", check=False)
    assert done.returncode == 2
    assert "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K --local-dir clip" in done.stderr
    assert "Traceback" not in done.stderr
