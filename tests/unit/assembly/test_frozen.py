"""A frozen encoder runs once an item: nothing is decoded or computed again, nothing stale is read."""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from m5kit.assembly.frozen import FrozenOutputs
from m5kit.data.cache import store
from m5kit.data.cache.reader import pack
from m5kit.data.cache.store import CacheStore
from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset
from m5kit.data.decode.pillow import PillowDecoder
from m5kit.data.pipeline import Pipeline
from m5kit.data.sampler import Draw
from m5kit.data.transforms.image import ImageTransform
from m5kit.encoders.pretrained.base import TokenOptions
from m5kit.encoders.pretrained.hf_image import HFImage
from m5kit.errors import DataError
from m5kit.nn.pretrained.extraction import EXTRACTED
from m5kit.plugins import PluginScope
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Sample

WEIGHTS = {
    "model_type": "vit",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "image_size": 16,
    "patch_size": 8,
}


class CountingDecoder(PillowDecoder):
    calls = 0

    def __call__(self, source, root):
        type(self).calls += 1
        return super().__call__(source, root)


@pytest.fixture
def setting(tmp_path, monkeypatch):
    """A model with one frozen encoder, items with one broken picture, and a store."""
    monkeypatch.setenv("M5KIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(CountingDecoder, "calls", 0)
    rng = np.random.default_rng(0)
    for i in range(4):
        Image.fromarray(rng.integers(0, 255, (20, 20, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(b"broken")
    torch.manual_seed(0)
    encoder = HFImage(dim=8, size=16, weights=WEIGHTS, tokens=TokenOptions(hides="output", heads=2))
    return SimpleNamespace(
        root=tmp_path,
        encoder=encoder,
        samples=[Sample(str(i), {"image": f"{i}.png"} if i != 2 else {}) for i in range(4)],
        pipeline=Pipeline(CountingDecoder(), ImageTransform(size=16)),
    )


def frozen(setting, encoder=None, transform=None):
    inputs = {"image": {"decoder": {"type": "pillow"}, "transform": transform or {"type": "image", "size": 16}}}
    config = SimpleNamespace(
        inputs=inputs, data=SimpleNamespace(workers=0, item_seconds=None, item_memory=None), plugins=PluginScope()
    )
    model = torch.nn.Module()
    model.backbone = torch.nn.Module()
    model.backbone.encoders = torch.nn.ModuleDict({"image": encoder or setting.encoder})
    return FrozenOutputs.of(model, config)


def read(setting, outputs, positions=(0, 1, 3)):
    """A training batch of some items, and how often the decoder was called for it."""
    pipelines = outputs.pipelines({"image": setting.pipeline}, setting.samples, setting.root)
    before = CountingDecoder.calls
    dataset = ManifestDataset(samples=setting.samples, root=setting.root, pipelines=pipelines, train=True)
    batch = collate([dataset[Draw(i, i)] for i in positions], ["image"])
    return batch, CountingDecoder.calls - before


def test_the_second_reading_opens_no_picture_and_gives_what_the_network_gives(setting):
    batch, calls = read(setting, frozen(setting))
    assert calls == 1  # the broken one, to say why
    assert [failure.id for failure in batch.failures] == ["3"]
    assert EXTRACTED in batch.inputs["image"].extras
    CountingDecoder.calls = 0
    again, _ = read(setting, frozen(setting), (0, 1))
    assert CountingDecoder.calls == 1
    assert torch.equal(again.inputs["image"].values, batch.inputs["image"].values)


def test_keeping_changes_nothing_but_time(setting, monkeypatch):
    kept, _ = read(setting, frozen(setting), (0, 1))
    monkeypatch.setenv("M5KIT_CACHE", "off")
    plain, calls = read(setting, frozen(setting), (0, 1))
    assert calls == 2
    assert plain.inputs["image"].values.dtype == torch.uint8
    encoder = setting.encoder.eval()
    torch.testing.assert_close(encoder(kept.inputs["image"]).values, encoder(plain.inputs["image"]).values)


@pytest.mark.parametrize("change", ["weights", "mean", "transform", "output"])
def test_whatever_decides_the_output_changes_the_space(setting, change):
    before = frozen(setting)
    other = {"weights": {}, "mean": {"mean": [0.1] * 3}, "transform": {}, "output": {"output": "pooled"}}[change]
    torch.manual_seed(1 if change == "weights" else 0)
    given = {"type": "hf_image", "weights": WEIGHTS, "hides": "output", "heads": 2}
    encoder = ENCODERS.build(given | other, dim=8, size=16)
    transform = {"type": "image", "size": 16, "fit": "pad"} if change == "transform" else None
    after = frozen(setting, encoder, transform)
    assert before._space("image", setting.pipeline) != after._space("image", setting.pipeline)


def test_what_learns_does_not_change_the_space(setting):
    before = frozen(setting)._space("image", setting.pipeline)
    with torch.no_grad():
        setting.encoder.project[1].weight.add_(1)
    torch.manual_seed(0)
    wider = HFImage(dim=16, size=16, weights=WEIGHTS, tokens=TokenOptions(hides="output", mixing=1, heads=4))
    assert frozen(setting)._space("image", setting.pipeline) == before
    assert frozen(setting, wider)._space("image", setting.pipeline) == before


def test_a_changed_picture_is_computed_again_and_never_read_stale(setting):
    outputs = frozen(setting)
    first, _ = read(setting, outputs, (0,))
    pipelines = outputs.pipelines({"image": setting.pipeline}, setting.samples, setting.root)
    Image.new("RGB", (20, 20), "red").save(setting.root / "0.png")
    dataset = ManifestDataset(samples=setting.samples, root=setting.root, pipelines=pipelines, train=True)
    with pytest.raises(DataError, match=r"'0.png' has changed since the run began"):
        dataset[Draw(0, 0)]
    second, _ = read(setting, frozen(setting), (0,))
    assert not torch.equal(first.inputs["image"].values, second.inputs["image"].values)


def test_without_room_the_encoder_runs_every_time_and_says_so(setting, monkeypatch, caplog):
    monkeypatch.setenv("M5KIT_CACHE_GB", "1e-8")
    batch, calls = read(setting, frozen(setting), (0, 1))
    assert calls == 2
    assert EXTRACTED not in batch.inputs["image"].extras
    assert "outputs of encoder_image do not fit into 0.0 GB" in caplog.text


def test_a_missing_item_imputed_with_zeros_is_what_the_network_makes_of_zeros(setting):
    pipelines = frozen(setting).pipelines({"image": setting.pipeline}, setting.samples, setting.root)
    blank = pipelines["image"].transform.blank()
    black = setting.pipeline.transform.blank()
    wanted = setting.encoder.eval().extract(type(black).stack([black])).values[0]
    assert torch.equal(blank.values, wanted)


def test_the_training_mode_is_left_as_it_was(setting):
    setting.encoder.train()
    batch, _ = read(setting, frozen(setting), (0,))
    assert setting.encoder.training
    assert not setting.encoder.backbone.network.training
    entry = Inputs.single(batch.inputs["image"].values[0], {EXTRACTED: batch.inputs["image"].extras[EXTRACTED][0]})
    assert (tuple(entry.values.shape), entry.values.dtype) == ((5, 8), torch.float16)
    assert CacheStore.from_environment().size == 2 * len(pack(entry))


@pytest.mark.parametrize("trouble", ["damaged", "locked"])
def test_a_file_that_cannot_be_used_is_named_and_costs_time_only(setting, trouble, caplog, monkeypatch):
    good, _ = read(setting, frozen(setting), (0, 1))
    path = CacheStore.from_environment().path
    if trouble == "damaged":
        CacheStore.from_environment().close()  # as another process would find it
        path.write_bytes(b"not a database, however one looks at it" * 100)
        again, calls = read(setting, frozen(setting), (0, 1))
        assert f"the cache {path} is damaged" in caplog.text
        assert "begins anew" in caplog.text
        assert calls == 0  # filled again before it is read
        assert torch.equal(again.inputs["image"].values, good.inputs["image"].values)
        return
    monkeypatch.setattr(store, "TIMEOUT", 0.05)
    CacheStore.from_environment().close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        again, calls = read(setting, frozen(setting), (0, 1))
    assert f"the cache {path} cannot be used (database is locked); encoder_image runs every time" in caplog.text
    assert calls == 2
    assert EXTRACTED not in again.inputs["image"].extras
