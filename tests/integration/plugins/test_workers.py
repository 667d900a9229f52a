"""Data workers that are spawned, not forked, have never seen the config and still find the parts of plugins."""

import json
import os
from functools import partial

import pytest

from m5kit.assembly.loader import ScopedLoader
from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset
from m5kit.data.loader import WatchedItems
from m5kit.data.manifest import read_manifest
from m5kit.data.pipeline import Pipeline
from m5kit.data.sampler import SequentialSampler
from m5kit.plugins import PluginScope
from m5kit.registry import DECODERS, TRANSFORMS

LOCAL = '''
import torch
from m5kit.api import DECODERS, TRANSFORMS, Decoder, Inputs, Transform

@DECODERS.register_module("zoo_words")
class Words(Decoder):
    """How long the words are."""

    def __call__(self, source, root):
        return [len(word) for word in source.split()]

@TRANSFORMS.register_module("zoo_numbers")
class Numbers(Transform):
    """Numbers as they are."""

    def __call__(self, decoded, generator=None):
        return Inputs.single(torch.tensor(decoded))

    def blank(self):
        return Inputs.single(torch.zeros(1, dtype=torch.int64))

    def provides(self):
        return {}
'''


@pytest.fixture
def local(tmp_path, on_path, examples):
    (tmp_path / "zoo_local.py").write_text(LOCAL)
    scope = PluginScope().with_files([str(tmp_path / "zoo_local.py")])
    return Pipeline(
        DECODERS.build({"type": "zoo_words"}, scope), TRANSFORMS.build({"type": "zoo_numbers"}, scope)
    ), scope


def test_a_spawned_worker_decodes_with_an_installed_and_a_local_plugin(local, tmp_path):
    pipeline, scope = local
    before = dict(os.environ)
    installed = Pipeline(DECODERS.build({"type": "xyz"}), TRANSFORMS.build({"type": "point_patches", "patches": 2}))
    (tmp_path / "shape.xyz").write_text("0 0 1\n0 1 0\n1 0 0\n")
    row = {"id": "one", "split": "train", "notes": "a red mug", "points": "shape.xyz"}
    (tmp_path / "annotations.jsonl").write_text(json.dumps(row))
    pipelines = {"notes": pipeline, "points": installed}
    samples = read_manifest(tmp_path, modalities=tuple(pipelines))
    loader = ScopedLoader(
        WatchedItems(ManifestDataset(samples=samples, root=tmp_path, pipelines=pipelines), 1, None),
        name=str,
        scope=scope,
        batch_sampler=SequentialSampler(size=1, batch_size=1),
        num_workers=1,
        multiprocessing_context="spawn",
        collate_fn=partial(collate, modalities=tuple(pipelines)),
    )
    (batch,) = loader
    assert dict(os.environ) == before
    assert batch.failures == ()
    assert batch.inputs["notes"].values.tolist() == [[1, 3, 3]]
    assert batch.inputs["points"].values.shape == (1, 2, 27)
