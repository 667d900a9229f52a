"""How much the cache of a frozen encoder's outputs saves: items a second with and without, over an epoch.

Run:  python benchmarks/frozen_cache.py [--items 200] [--size 224] [--layers 12] [--width 384]

Makes a demo set and a ViT that begins at random in a temporary folder; nothing is downloaded. An epoch decodes every
picture and runs the frozen network on it (what ``hides: output`` costs without a cache), fills an empty cache, or reads
a full one.
"""

import argparse
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import torch
from _arguments import at_least
from torch import nn

from m5kit.assembly.frozen import FrozenOutputs
from m5kit.config.sections import Data
from m5kit.data.cache.store import FOLDER, CacheStore
from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset
from m5kit.data.demo.make import make_demo
from m5kit.data.manifest import read_manifest
from m5kit.data.pipeline import Pipeline
from m5kit.data.sampler import Draw
from m5kit.plugins import current_scope
from m5kit.registry import DECODERS, ENCODERS, TRANSFORMS

BATCH = 32


def main() -> None:
    """Measure and print a table."""
    arguments = parse()
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_demo(folder / "demo", items=arguments.items, seed=0)
        setting = build(arguments, folder / "demo")
        os.environ[FOLDER] = "off"
        rows = [("without", epoch(setting))]
        os.environ[FOLDER] = str(folder / "cache")
        rows.append(("first epoch, filling", epoch(setting)))
        rows.append(("later epochs and runs", epoch(setting)))
        store = CacheStore.from_environment()
        assert store is not None
        for label, rate in rows:
            print(f"{label:24} {rate:8.1f} items/s  {rate / rows[0][1]:6.1f} x")
        print(f"{'cached':24} {store.size / 1e6:8.1f} MB")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option, least, default in (("items", 40, 200), ("size", 16, 224), ("layers", 1, 12), ("width", 64, 384)):
        parser.add_argument(f"--{option}", type=at_least(least), default=default)
    return parser.parse_args()


def build(arguments: argparse.Namespace, root: Path) -> SimpleNamespace:
    """Pictures of the demo set, a pipeline, and a frozen encoder."""
    weights = {
        "model_type": "vit",
        "hidden_size": arguments.width,
        "num_hidden_layers": arguments.layers,
        "num_attention_heads": arguments.width // 64,
        "intermediate_size": 4 * arguments.width,
        "image_size": arguments.size,
    }
    inputs = {"decoder": {"type": "pillow"}, "transform": {"type": "image", "size": arguments.size}}
    encoder = ENCODERS.build(
        {"type": "hf_image", "weights": weights, "hides": "output", "dim": 64, "size": arguments.size}
    )
    model = nn.Module()
    model.backbone = nn.Module()
    model.backbone.encoders = nn.ModuleDict({"image": encoder})
    return SimpleNamespace(
        root=root,
        samples=read_manifest(root, modalities=("image",)),
        pipeline=Pipeline(DECODERS.build(inputs["decoder"]), TRANSFORMS.build(inputs["transform"])),
        config=SimpleNamespace(inputs={"image": inputs}, data=Data(workers=0), plugins=current_scope()),
        model=model.eval(),
    )


def epoch(setting: SimpleNamespace) -> float:
    """Items a second from manifest to observed tokens."""
    start = time.perf_counter()
    outputs = FrozenOutputs.of(setting.model, setting.config)
    pipelines = outputs.pipelines({"image": setting.pipeline}, setting.samples, setting.root)
    dataset = ManifestDataset(samples=setting.samples, root=setting.root, pipelines=pipelines, train=True)
    encoder = setting.model.backbone.encoders["image"]
    device = next(encoder.parameters()).device
    for begin in range(0, len(dataset), BATCH):
        batch = collate([dataset[Draw(i, i)] for i in range(begin, min(begin + BATCH, len(dataset)))], ["image"])
        if "image" in batch.inputs:
            encoder.observe(batch.inputs["image"].to(device))
    if device.type == "cuda":
        torch.cuda.synchronize()
    return len(dataset) / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
